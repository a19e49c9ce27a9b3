"""Series that come in several telegrams."""

from __future__ import annotations

from typing import Any

from ingestion.decoding import Arrival, CompiledType, Decoded
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
    from ingestion.decoding import compile_type

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
