"""Rules of series: amounts, registers and samples at even steps, oldest first."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from ingestion.decoding import Decoded, Series
from meters.definition import DefinitionError

from .typing_of import generic, meaning

_AT = datetime(2024, 1, 15, 12, 34, 56, tzinfo=UTC)
_RULE = "register: volume, reading_type: cold_water.volume.register, unit: L, step: 1h, at: $t"


def _items(values: list[Any], **more: Any) -> list[Item]:
    named = {"d": values, "t": _AT, "b": 1_000, **more}
    return [Item(name=name, value=value, start=0, end=1) for name, value in named.items()]


def _one(rule: str, values: list[Any], **more: Any) -> Series:
    compiled = generic(f"series:\n  - {{{rule}}}\n")
    config = more.pop("config", {})
    (series,) = meaning(compiled, *_items(values, **more), config=config).series
    return series


def _hour(hour: int) -> datetime:
    return datetime(2024, 1, 15, hour, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "base", "at", "values"),
    [
        ("deltas: $d, base: $b", 1_000, _hour(12), (1, 2, 3)),
        ("deltas: $d, base: $b, direction: backward", 994, _hour(9), (3, 2, 1)),
        (
            "deltas: $d, base: $b, direction: backward, order: oldest_first",
            994,
            _hour(9),
            (1, 2, 3),
        ),
        ("deltas: $d, base: $b, order: newest_first", 1_000, _hour(12), (3, 2, 1)),
        ("deltas: $d", None, _hour(12), (1, 2, 3)),
        ("registers: $d", None, _hour(12), (1, 2, 3)),
        ("registers: $d, direction: backward", None, _hour(10), (3, 2, 1)),
        ("deltas: $d, mul: 2, base: $b", 2_000, _hour(12), (2, 4, 6)),
    ],
)
def test_directions_and_orders(
    rule: str, base: int | None, at: datetime, values: tuple[int, ...]
) -> None:
    series = _one(f"{_RULE}, {rule}", [1, 2, 3])
    assert (series.base, series.base_time, series.values, series.step) == (base, at, values, 3_600)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (f"{_RULE}, deltas: $d", "deltas"),
        (f"{_RULE}, registers: $d", "registers"),
        (
            "register: t, reading_type: cold_water.flow, unit: L/h, step: 1h, at: $t, registers: $d",
            "samples",
        ),
    ],
)
def test_kinds(rule: str, kind: str) -> None:
    assert _one(rule, [1, 2]).kind == kind


def test_numbers_that_mean_nothing_are_missing() -> None:
    rule = f"{_RULE}, deltas: $d, base: $b, missing: [65535, 65534]"
    assert _one(rule, [1, 65_535, 65_534, None, 2]).values == (1, None, None, None, 2)


def test_with_a_gap_the_register_before_it_is_not_known() -> None:
    rule = f"{_RULE}, deltas: $d, base: $b, direction: backward, missing: 9"
    series = _one(rule, [1, 9, 2])
    assert (series.base, series.values) == (None, (2, None, 1))


def test_rests_of_amounts_are_carried_on() -> None:
    series = _one(f"{_RULE}, deltas: $d, base: $b, div: 3", [1, 1, 1, 1])
    assert (series.base, series.values) == (333, (0, 1, 0, 0))
    assert 333 + sum(value or 0 for value in series.values) == 1_004 // 3


@pytest.mark.parametrize(
    ("zone", "floor", "at"),
    [
        ("UTC", "1h", datetime(2024, 1, 15, 12, tzinfo=UTC)),
        ("Asia/Kathmandu", "1h", datetime(2024, 1, 15, 12, 15, tzinfo=UTC)),
        ("Europe/Berlin", "1d", datetime(2024, 1, 14, 23, tzinfo=UTC)),
        ("UTC", "15min", datetime(2024, 1, 15, 12, 30, tzinfo=UTC)),
        ("UTC", "6h", datetime(2024, 1, 15, 12, tzinfo=UTC)),
    ],
)
def test_the_time_is_set_back_in_the_zone_of_the_device(
    zone: str, floor: str, at: datetime
) -> None:
    rule = f"{_RULE}, deltas: $d, floor: {floor}"
    assert _one(rule, [1], config={"zone": zone}).base_time == at


def test_a_day_of_25_hours_begins_at_its_midnight() -> None:
    rule = f"{_RULE}, deltas: $d, floor: 1d"
    late = datetime(2024, 10, 27, 22, 30, tzinfo=UTC)
    series = _one(rule, [1], t=late, config={"zone": "Europe/Berlin"})
    assert series.base_time == datetime(2024, 10, 26, 22, tzinfo=UTC)


@pytest.mark.parametrize("step", [900, Decimal(900), "15min"])
def test_the_step_may_come_from_the_installation(step: Any) -> None:
    rule = _RULE.replace("step: 1h", "step: $config.period") + ", deltas: $d"
    if isinstance(step, str):
        rule, step = rule.replace("$config.period", step), 0
    assert _one(rule, [1], config={"period": step}).step == 900


@pytest.mark.parametrize("period", [None, 0, -5, "x", Decimal("0.5"), 10**9])
def test_without_a_step_there_is_no_series(period: Any) -> None:
    rule = _RULE.replace("step: 1h", "step: $config.period") + ", deltas: $d"
    compiled = generic(f"series:\n  - {{{rule}}}\n")
    decoded = meaning(compiled, *_items([1]), config={"period": period})
    assert decoded.series == ()
    assert "the step" in decoded.warnings[0]


def test_without_a_time_there_is_no_series() -> None:
    compiled = generic(f"series:\n  - {{{_RULE}, deltas: $d}}\n")
    decoded = meaning(compiled, *_items([1], t=None))
    assert decoded.series == ()
    assert "the time" in decoded.warnings[0]


def test_pulses_of_a_series_have_their_weight() -> None:
    rule = (
        "register: x, reading_type: '{counted}', step: 1h, at: $t, base: $b, deltas: $d, port: 1,"
        " pulse: {weight: $config.weight, unit: L}"
    )
    config = {"ports": {1: {"weight": 10}}}
    series = _one(rule, [1, 2], config=config)
    assert (series.base, series.values, series.port) == (10_000, (10, 20), 1)


def test_a_series_before_all_time_refuses_the_telegram() -> None:
    rule = f"{_RULE.replace('step: 1h', 'step: 366d')}, deltas: $d, direction: backward"
    with pytest.raises(DecodeError, match="begins"):
        _one(rule, [1] * 4_000)


def test_a_list_of_a_group_is_a_column() -> None:
    rule = f"{_RULE}, deltas: '$log[].v'"
    compiled = generic(f"series:\n  - {{{rule}}}\n")
    items = [Item(name=f"log[{index}].v", value=index, start=0, end=1) for index in range(3)]
    (series,) = meaning(compiled, *items, Item(name="t", value=_AT)).series
    assert series.values == (0, 1, 2)


def test_an_element_without_a_value_leaves_a_gap() -> None:
    """The others keep their steps, wherever the gap is."""
    rule = f"{_RULE}, registers: '$log[].v', direction: backward"
    compiled = generic(f"series:\n  - {{{rule}}}\n")
    items = [Item(name=f"log[{index}].w", value=index, start=0, end=1) for index in range(4)]
    items += [Item(name=f"log[{index}].v", value=index, start=0, end=1) for index in (1, 3)]
    (series,) = meaning(compiled, *items, Item(name="t", value=_AT)).series
    assert series.values == (3, None, 1, None)
    assert series.base_time == _hour(9)


_MATCHED = (
    "register: used, reading_type: electricity.active.import, match: {quantity: energy, "
    "function: interval, quality: good}, at: {fact: time}, step: $fact.step"
)


def _stretch(values: Any, hour: int, **facts: Any) -> Item:
    known = {"quantity": "energy", "function": "interval", "quality": "good", "step": 1_800}
    said = {**known, "time": _hour(hour), **facts}
    return Item(name=f"e_{hour}", value=values, unit="kWh", start=0, end=1, facts=said)


def _matched(*items: Item, rule: str = _MATCHED) -> Decoded:
    return meaning(generic(f"series:\n  - {{{rule}}}\n", resource="electricity"), *items)


def test_every_item_that_matches_is_a_series_of_its_own() -> None:
    decoded = _matched(
        _stretch([Decimal("0.5"), None, 1], 8),
        _stretch([1], 9, quality="bad"),
        _stretch([2, 3], 10, step=3_600),
        _stretch(4, 11),
    )
    told = [(one.kind, one.base_time, one.step, one.values) for one in decoded.series]
    assert told == [
        ("deltas", _hour(8), 1_800, (500, None, 1_000)),
        ("deltas", _hour(10), 3_600, (2_000, 3_000)),
        ("deltas", _hour(11), 1_800, (4_000,)),
    ]
    assert [one.item for one in decoded.series] == ["e_8", "e_10", "e_11"]


def test_the_reading_type_says_what_values_that_match_are() -> None:
    rule = _MATCHED.replace("active.import", "active.import.register")
    (series,) = _matched(_stretch([1, 2], 8), rule=rule).series
    assert (series.kind, series.values) == ("registers", (1_000, 2_000))


@pytest.mark.parametrize("step", [0, -1, "x", None, Decimal("0.5"), 10**9])
def test_an_item_without_a_step_is_left_out_with_a_warning(step: Any) -> None:
    decoded = _matched(_stretch([1], 8, step=step), _stretch([2], 9))
    assert [one.values for one in decoded.series] == [(2_000,)]
    assert "the step of the series is not known" in decoded.warnings[0]


def test_an_item_without_a_time_is_left_out_with_a_warning() -> None:
    decoded = _matched(_stretch([1], 8, time=None))
    assert decoded.series == ()
    assert "the time of the series is not known" in decoded.warnings[0]


@pytest.mark.parametrize(
    ("direction", "at", "values"),
    [("forward", _hour(12), (100, 101, 103, 106)), ("backward", _hour(9), (94, 97, 99, 100))],
)
def test_amounts_that_are_added_to_their_base(
    direction: str, at: datetime, values: tuple[int, ...]
) -> None:
    rule = f"{_RULE}, deltas: $d, base: $b, cumulative: true, direction: {direction}"
    series = _one(rule, [1, 2, 3], b=100)
    assert (series.kind, series.base, series.base_time) == ("registers", None, at)
    assert series.values == values


def test_beyond_a_missing_amount_no_register_is_known() -> None:
    rule = f"{_RULE}, deltas: $d, base: $b, cumulative: true, missing: 255"
    assert _one(rule, [1, 255, 3], b=100).values == (100, 101, None, None)


def test_what_is_added_needs_a_base() -> None:
    with pytest.raises(DefinitionError, match="cumulative is for deltas with a base"):
        generic(f"series:\n  - {{{_RULE}, deltas: $d, cumulative: true}}\n")
