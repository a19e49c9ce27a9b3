"""Series that come in several telegrams."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import meters
from ingestion.decoding import Arrival, CompiledType, Decoded, Series, compile_type
from meters.definition import read_definition

from .typing_of import HEAD

_TYPE = (
    HEAD.replace("RESOURCE", "cold_water")
    + """\
decode:
  kind: binary
  endian: big
  assembly: {part: $part, base: [counter, at], lists: [deltas], total: 4}
  fields:
    - {name: part, type: u8}
    - match: $part
      cases:
        0:
          - {name: at, type: u32, time: unix}
          - {name: counter, type: u32, unit: L}
          - {name: deltas, type: u8, repeat: 2, unit: L}
        default:
          - {name: deltas, type: u8, repeat: 2, unit: L}
series:
  - register: volume
    reading_type: cold_water.volume.register
    base: $counter
    deltas: $deltas
    at: $at
    step: 1h
"""
)
_FIRST, _SECOND = bytes.fromhex("00 65a51e40 00000064 0102"), bytes.fromhex("010304")


def _compiled() -> CompiledType:
    return compile_type(read_definition(_TYPE, name="assembled"))


def _decoded(memory: dict[str, Any], *payloads: bytes) -> Decoded:
    compiled = _compiled()
    found = [compiled.decode(one, context=Arrival(memory=memory)) for one in payloads]
    return found[-1]


def _values(decoded: Decoded) -> list[tuple[int | None, tuple[int | None, ...]]]:
    return [(one.base, one.values) for one in decoded.series]


def test_each_telegram_gives_what_has_come_so_far() -> None:
    memory: dict[str, Any] = {}
    assert _values(_decoded(memory, _FIRST)) == [(100, (1, 2))]
    assert _values(_decoded(memory, _SECOND)) == [(100, (1, 2, 3, 4))]


def test_a_telegram_twice_changes_nothing() -> None:
    assert _values(_decoded({}, _FIRST, _SECOND, _SECOND)) == [(100, (1, 2, 3, 4))]


def test_a_part_without_its_beginning_gives_no_series_and_says_so() -> None:
    decoded = _decoded({}, _SECOND)
    assert decoded.series == ()
    assert any("base has not come" in warning for warning in decoded.warnings)


def test_what_is_behind_a_lost_part_waits() -> None:
    third = bytes.fromhex("020506")
    decoded = _decoded({}, _FIRST, third)
    assert _values(decoded) == [(100, (1, 2))]
    assert any("parts 1 " in warning for warning in decoded.warnings)


def test_devices_do_not_share_their_memory() -> None:
    one: dict[str, Any] = {}
    _decoded(one, _FIRST)
    assert _decoded({}, _SECOND).series == ()
    assert _values(_decoded(one, _SECOND)) == [(100, (1, 2, 3, 4))]


# Adeunis Pulse, frame 48h: a day by the hour in three telegrams, sent one behind the other.
_SENT = datetime(2024, 3, 2, 12, 30, tzinfo=UTC)
_HOURS = (range(1, 11), range(11, 23), range(23, 24))


@lru_cache
def _pulse() -> CompiledType:
    path = Path(meters.__file__).parent / "devicetypes" / "adeunis_pulse.yaml"
    return compile_type(read_definition(path.read_text(encoding="utf-8"), name=path.name))


def _part(number: int, *, base: int = 256, factor: int = 1) -> bytes:
    counters = base.to_bytes(4, "big") + bytes(4) if number == 0 else b""
    pairs = [(factor * hour).to_bytes(2, "big") + bytes(2) for hour in _HOURS[number]]
    return bytes((0x48, 0x20, number)) + counters + b"".join(pairs)


def _heard(memory: dict[str, Any], payload: bytes, at: datetime) -> Series | None:
    """The series of input A."""
    config = {"pulse_weight": 10, "pulse_unit": "L"}
    arrival = Arrival(transport="lorawan", port=1, memory=memory, received_at=at, config=config)
    found = [one for one in _pulse().decode(payload, context=arrival).series if one.port == 0]
    return found[0] if found else None


def _day(memory: dict[str, Any], sent: datetime, **words: int) -> Series | None:
    told = [
        _heard(memory, _part(number, **words), sent + timedelta(seconds=40 * number))
        for number in range(3)
    ]
    return told[-1]


def test_a_day_counts_from_when_its_first_telegram_was_sent() -> None:
    series = _day({}, _SENT)
    assert series is not None
    assert series.base_time == _SENT - timedelta(hours=23)
    assert (series.kind, series.step) == ("registers", 3_600)
    assert series.values == tuple(2_560 + 5 * hour * (hour + 1) for hour in range(24))


def test_a_day_like_the_one_before_is_another_day() -> None:
    memory: dict[str, Any] = {}
    for day in range(3):
        sent = _SENT + timedelta(days=day)
        series = _day(memory, sent, factor=0)
        assert series is not None
        assert (series.base_time, len(series.values)) == (sent - timedelta(hours=23), 24)


def test_a_day_that_lost_its_end_does_not_get_that_of_the_next() -> None:
    memory: dict[str, Any] = {}
    _heard(memory, _part(0, factor=0), _SENT)
    series = _heard(memory, _part(0, factor=0), _SENT + timedelta(days=1))
    assert series is not None
    assert series.base_time == _SENT + timedelta(hours=1)


@pytest.mark.parametrize("parts", [(0,), (0, 1), (0, 1, 2)])
def test_a_beginning_that_is_sent_again_changes_nothing(parts: tuple[int, ...]) -> None:
    memory: dict[str, Any] = {}
    before = [_heard(memory, _part(number), _SENT) for number in parts][-1]
    again = _heard(memory, _part(0), _SENT + timedelta(minutes=2))
    assert before is not None
    assert again == before


def test_ten_minutes_of_an_hour_come_in_one_telegram() -> None:
    payload = bytes.fromhex("482000") + bytes(3) + b"\x07" + bytes(4) + bytes((0, 1, 0, 0)) * 5
    series = _heard({}, payload, _SENT)
    assert series is not None
    assert series.step == 600
    assert series.base_time == _SENT - timedelta(minutes=50)
    assert series.values == (70, 80, 90, 100, 110, 120)
