"""Rules of readings: where values come from, when they were so, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.telegram import Item
from ingestion.decoding import Reading

from .typing_of import binary, faults, generic, meaning

_VOLUME = "register: volume, reading_type: cold_water.volume.register"
_ENERGY = "register: energy, reading_type: electricity.active.import.register"
_NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


def _item(name: str, value: Any, unit: str = "", **facts: Any) -> Item:
    return Item(name=name, value=value, unit=unit, start=3, end=7, facts=facts)


def _one(rule: str, *items: Item, resource: str = "cold_water", **arrival: Any) -> Reading:
    compiled = generic(f"readings:\n  - {{{rule}}}\n", resource=resource)
    (reading,) = meaning(compiled, *items, **arrival).readings
    return reading


def _none(rule: str, *items: Item, resource: str = "cold_water", **arrival: Any) -> tuple[str, ...]:
    """Warnings where nothing comes of a rule."""
    compiled = generic(f"readings:\n  - {{{rule}}}\n", resource=resource)
    decoded = meaning(compiled, *items, **arrival)
    assert decoded.readings == ()
    return decoded.warnings


def test_a_reading_says_where_it_comes_from() -> None:
    reading = _one(f"{_VOLUME}, value: $v", _item("v", Decimal("1.2345"), "m3"))
    assert reading == Reading(
        register="volume",
        reading_type="cold_water.volume.register",
        tariff=0,
        port=None,
        value=1_234,
        said=Decimal("1.2345"),
        unit="m3",
        at=None,
        quality="valid",
        item="v",
        start=3,
        end=7,
    )


@pytest.mark.parametrize(
    ("rule", "unit", "litres"),
    [
        ("value: $v", "L", 50),
        ("value: $v", "m3", 50_000),
        ("value: $v, unit: L", "", 50),
        ("value: $v, unit: L", "m3", 50_000),
        ("value: $v, unit: L, mul: 10", "", 500),
        ("value: $v, unit: L, mul: 10", "m3", 500_000),
        ("value: $v, unit: L, div: 4", "count", 12),
        ("value: $v, unit: L, mul: $w", "", 350),
        ("value: $v, unit: L, mul: 2, div: 5, add: 0.5", "", 20),
        ("formula: $v * $w / 2, unit: L", "", 175),
        ("formula: '$v if $w > 6 else 0', unit: L", "", 50),
        ("value: $v, pulse: {weight: 2.5, unit: L}", "", 125),
        ("value: $v, pulse: {weight: $config.weight, unit: $config.unit}", "", 5_000),
        ("value: 7, unit: m3", "", 7_000),
    ],
)
def test_units_and_arithmetic(rule: str, unit: str, litres: int) -> None:
    items = _item("v", 50, unit), _item("w", 7)
    config = {"weight": Decimal("0.1"), "unit": "m3"}
    assert _one(f"{_VOLUME}, {rule}", *items, config=config).value == litres


@pytest.mark.parametrize(
    ("rule", "value", "unit", "warning"),
    [
        ("value: $v", 5, "", "no unit"),
        ("value: $v", 5, "kWh", "can't be kept"),
        ("value: $v, unit: L", 5, "kWh", "can't be L"),
        ("value: $v, unit: L", 5, "month", "the value is in month, which can't be L"),
        ("value: $v", 5, "month", "month is no unit known here"),
        ("value: $v, unit: L", "text", "", "no number"),
        ("value: $v, unit: L", True, "", "no number"),
        ("value: $v, unit: L", None, "", ""),
        ("value: $other, unit: L", 5, "", ""),
        ("value: $v, unit: L, div: $zero", 5, "", ""),
        ("value: $v, unit: L, mul: $other", 5, "", ""),
        ("formula: $v / $zero, unit: L", 5, "", "division by zero"),
        ("formula: $v / $other, unit: L", 5, "", ""),
        ("value: $v, pulse: {weight: $config.weight, unit: L}", 5, "", "what a pulse is worth"),
        ("value: $v, unit: L, when: {field: $zero, above: 0}", 5, "", ""),
    ],
)
def test_what_has_no_value_gives_none(rule: str, value: Any, unit: str, warning: str) -> None:
    warnings = _none(f"{_VOLUME}, {rule}", _item("v", value, unit), _item("zero", 0))
    assert (len(warnings) == 1 and warning in warnings[0]) if warning else warnings == ()


_FLOW = "register: flow, reading_type: heat.temperature.flow"


@pytest.mark.parametrize("rule", ["value: $v", "value: $v, unit: degC", "value: $v, unit: K"])
@pytest.mark.parametrize("quantity", ["temperature_difference", "temperature difference"])
def test_a_difference_of_temperatures_is_no_temperature(rule: str, quantity: str) -> None:
    difference = _item("v", 5, "K", quantity=quantity)
    warnings = _none(f"{_FLOW}, {rule}", difference, resource="heat")
    assert len(warnings) == 1
    assert "ΔK" in warnings[0]


def test_an_absolute_temperature_is_shifted_to_the_zero_of_celsius() -> None:
    reading = _one(f"{_FLOW}, value: $v", _item("v", Decimal("293.15"), "K"), resource="heat")
    assert reading.value == 2_000


def test_a_value_of_another_time_is_left_out_where_that_time_is_missing() -> None:
    rule = f"{_VOLUME}, match: {{quantity: volume, storage: 1}}, at: {{match: {{quantity: date}}}}"
    volume = _item("v", 5, "m3", quantity="volume", storage=1)
    spoilt = _item("d", "2127-15-31", quantity="date", valid=False)
    warnings = _none(rule, volume, spoilt)
    assert len(warnings) == 1
    assert "the time of v is not known" in warnings[0]


def test_the_weight_of_a_pulse_is_that_of_the_port() -> None:
    rule = f"{_VOLUME}, value: $v, port: 2, pulse: {{weight: $config.weight, unit: $config.unit}}"
    config = {"weight": 1, "unit": "L", "ports": {2: {"weight": 100}}}
    reading = _one(rule, _item("v", 3), config=config)
    assert (reading.value, reading.port) == (300, 2)


@pytest.mark.parametrize(
    ("written", "installed", "code"),
    [
        ("'{resource}.volume.register'", "gas", "gas.volume.register"),
        ("'{resource}.volume.register'", "", "cold_water.volume.register"),
        ("'{resource}.volume.register'", "heat", "cold_water.volume.register"),
        ("'{counted}'", "gas", "gas.volume.register"),
    ],
)
def test_the_installed_meter_decides_the_resource(written: str, installed: str, code: str) -> None:
    rule = f"register: counted, reading_type: {written}, value: $v, unit: L"
    reading = _one(
        rule, _item("v", 3), resource="[cold_water, gas]", config={"resource": installed}
    )
    assert reading.reading_type == code


_RECORDS = (
    _item("e", 10, "kWh", quantity="energy", storage=0, tariff=0, function="instantaneous"),
    _item("e1", 4, "kWh", quantity="energy", storage=0, tariff=1, function="instantaneous"),
    _item("e2", 6, "kWh", quantity="energy", storage=0, tariff=2, function="instantaneous"),
    _item("e_old", 8, "kWh", quantity="energy", storage=1, tariff=0, function="instantaneous"),
    _item("e_max", 99, "kWh", quantity="energy", storage=0, tariff=0, function="maximum"),
    _item("e_bad", 98, "kWh", quantity="energy", storage=0, tariff=3, valid=False),
    _item("day", date(2023, 12, 31), quantity="date", storage=1, tariff=0),
)


def test_a_match_means_the_ordinary_record() -> None:
    reading = _one(f"{_ENERGY}, match: {{quantity: energy}}", *_RECORDS, resource="electricity")
    assert (reading.item, reading.value) == ("e", 10_000)


def test_all_tariffs_come_from_the_facts() -> None:
    rule = f"readings:\n  - {{{_ENERGY}, match: {{quantity: energy}}, tariff: all}}\n"
    compiled = generic(rule, resource="electricity")
    found = meaning(compiled, *_RECORDS).readings
    assert [(one.register, one.tariff, one.value) for one in found] == [
        ("energy", 0, 10_000),
        ("energy.t1", 1, 4_000),
        ("energy.t2", 2, 6_000),
    ]
    assert found[1].reading_type == "electricity.active.import.register.t1"


def test_several_that_fit_give_the_first_and_a_warning() -> None:
    compiled = generic(f"readings:\n  - {{{_ENERGY}, match: {{quantity: energy, storage: any}}}}\n")
    decoded = meaning(compiled, *_RECORDS)
    assert [one.item for one in decoded.readings] == ["e"]
    assert "e, e_old fit" in decoded.warnings[0]


@pytest.mark.parametrize(
    ("storage", "items"),
    [
        ("1..3", ["s1", "s2", "s3"]),
        ("2..2", ["s2"]),
        ("[0, 2..9]", ["s0", "s2", "s3"]),
        ("[0, 3]", ["s0", "s3"]),
        ("any", ["s0", "s1", "s2", "s3"]),
        ("9..1", []),
    ],
)
def test_lists_and_ranges_of_facts(storage: str, items: list[str]) -> None:
    rule = f"{_ENERGY}, match: {{quantity: energy, storage: {storage}}}, at: {{fact: time}}"
    compiled = generic(f"readings:\n  - {{{rule}}}\n", resource="electricity")
    given = [
        _item(f"s{number}", number, "Wh", quantity="energy", storage=number, time=_NOON)
        for number in range(4)
    ]
    assert [one.item for one in meaning(compiled, *given).readings] == items


@pytest.mark.parametrize(
    ("end", "at"),
    [
        ("", datetime(2023, 12, 31, tzinfo=UTC)),
        (", end_of_day: true", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_record_has_the_date_of_its_storage(end: str, at: datetime) -> None:
    rule = (
        f"{_ENERGY}, match: {{quantity: energy, storage: 1}}, "
        f"at: {{match: {{quantity: date, storage: same}}{end}}}"
    )
    reading = _one(rule, *_RECORDS, resource="electricity", config={"zone": "UTC"})
    assert (reading.value, reading.at) == (8_000, at)


def test_a_record_of_an_unknown_day_is_not_one_of_now() -> None:
    rule = (
        f"{_ENERGY}, match: {{quantity: energy, storage: 1}}, "
        "at: {match: {quantity: date, storage: same}}"
    )
    (warning,) = _none(rule, *_RECORDS[:-1], resource="electricity", config={"zone": "UTC"})
    assert "the time of e_old" in warning


@pytest.mark.parametrize(
    ("code", "given", "fits"),
    [
        ("1-0:1.8.0", "1-0:1.8.0", True),
        ("1-0:1.8.0", "1-0:1.8.0*255", True),
        ("1-0:1.8.0", "1-0:1.8.0*01", False),
        ("1-0:1.8.0*01", "1-0:1.8.0*01", True),
        ("1-0:1.8.0*01", "1-0:1.8.0", False),
        ("1-*:1.8.0", "1-1:1.8.0", True),
        ("1-0:1.8.0", "1-0:1.8.01", False),
        ("1-0:1.8.0", "1-0:1x8.0", False),
        ("1.8.0", "1.8.0", True),
    ],
)
def test_obis_codes(code: str, given: str, fits: bool) -> None:
    compiled = generic(f"readings:\n  - {{{_ENERGY}, obis: '{code}'}}\n", resource="electricity")
    found = meaning(compiled, _item("e", 1, "kWh", obis=given)).readings
    assert bool(found) is fits


def test_the_channel_of_a_sub_meter_is_its_port() -> None:
    rule = "register: gas, reading_type: gas.volume.register, obis: '0-n:24.2.1', port: n, "
    reading = _one(
        rule + "at: {fact: time}",
        _item("g", Decimal("1.5"), "m3", obis="0-3:24.2.1", time=_NOON),
        resource="gas",
    )
    assert (reading.port, reading.value, reading.at) == (3, 1_500, _NOON)


def test_other_facts_tell_sub_meters_of_one_code_apart() -> None:
    rule = "register: gas, reading_type: gas.volume.register, port: n, "
    water = _item("w", 2, "m3", obis="0-1:24.2.1", medium="water", channel=1)
    gas = _item("g", 3, "m3", obis="0-2:24.2.1", medium="gas", channel=2)
    match = "match: {obis: '0-n:24.2.1', medium: gas}"
    reading = _one(rule + match, water, gas, resource="gas")
    assert (reading.port, reading.value) == (2, 3_000)


def _listed(spread: str, reading_type: str, *, resource: str = "electricity") -> list[Reading]:
    rule = f"register: x, reading_type: {reading_type}, value: $v, unit: V, spread: {spread}"
    if spread != "phase":
        rule = rule.replace("unit: V", "unit: Wh")
    compiled = generic(f"readings:\n  - {{{rule}}}\n", resource=resource)
    return list(meaning(compiled, _item("v", [1, 2, 3])).readings)


def test_a_list_is_one_value_a_phase() -> None:
    found = _listed("phase", "electricity.voltage")
    assert [(one.reading_type, one.value) for one in found] == [
        (f"electricity.voltage.l{phase}", phase * 10) for phase in (1, 2, 3)
    ]


def test_a_list_is_one_value_a_port() -> None:
    found = _listed("port", "electricity.active.import.register")
    assert [(one.port, one.value) for one in found] == [(0, 1), (1, 2), (2, 3)]


def test_a_list_is_the_parts_of_a_sum() -> None:
    found = _listed("sum", "electricity.active.import.register")
    assert [(one.register, one.value) for one in found] == [("x", 6)]


def test_a_sum_without_a_part_is_no_value() -> None:
    rule = f"{_ENERGY}, value: $v, unit: Wh, spread: sum"
    assert _none(rule, _item("v", [1, None, 3]), resource="electricity") == ()


def test_a_group_gives_a_reading_an_element() -> None:
    rule = f"{_VOLUME}, each: $log, value: $.v, unit: L, at: $.at, when: {{field: $.ok, value: 1}}"
    compiled = generic(f"readings:\n  - {{{rule}}}\n")
    items = [
        _item(f"log[{index}].{name}", value)
        for index, ok in enumerate((1, 0, 1))
        for name, value in (("v", index), ("ok", ok), ("at", 3_600 * index))
    ]
    found = meaning(compiled, *items).readings
    assert [(one.value, one.at) for one in found] == [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (2, datetime(1970, 1, 1, 2, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("value", "facts", "at"),
    [
        (_NOON, {}, _NOON),
        (int(_NOON.timestamp()), {}, _NOON),
        (datetime(2024, 7, 15, 14), {}, datetime(2024, 7, 15, 12, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2024, 10, 27, 2, 30), {"dst": True}, datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2024, 10, 27, 2, 30), {"dst": False}, datetime(2024, 10, 27, 1, 30, tzinfo=UTC)),  # noqa: DTZ001
        (date(2024, 1, 15), {}, datetime(2024, 1, 14, 23, tzinfo=UTC)),
        ("2024-01-15", {}, None),
        (-1, {}, None),
        (2**60, {}, None),
        (None, {}, None),
    ],
)
def test_times_become_instants(value: Any, facts: dict[str, Any], at: datetime | None) -> None:
    items = _item("v", 1, "L"), _item("t", value, **facts)
    reading = _one(f"{_VOLUME}, value: $v, at: $t", *items, config={"zone": "Europe/Berlin"})
    assert reading.at == at


def test_a_wall_clock_without_a_zone_is_left_out_and_said() -> None:
    items = _item("v", 1, "L"), _item("t", datetime(2024, 7, 15, 14))  # noqa: DTZ001
    compiled = generic(f"clock: $t\nreadings:\n  - {{{_VOLUME}, value: $v}}\n")
    decoded = meaning(compiled, *items)
    assert decoded.readings[0].at is None
    assert "the zone" in decoded.warnings[0]


def test_the_clock_of_the_telegram_is_the_time_of_its_readings() -> None:
    items = _item("v", 1, "L"), _item("t", datetime(2024, 7, 15, 14))  # noqa: DTZ001
    rules = f"clock: {{at: $t, zone: Asia/Tokyo}}\nreadings:\n  - {{{_VOLUME}, value: $v}}\n"
    (reading,) = meaning(generic(rules), *items, config={"zone": "UTC"}).readings
    assert reading.at == datetime(2024, 7, 15, 5, tzinfo=UTC)


def test_what_surrounds_a_telegram_can_be_asked_for() -> None:
    rules = f"""\
identify: {{topic: 'm/{{device}}/{{line}}', device: $topic.device, sequence: $arrival.port}}
readings:
  - {{{_VOLUME}, value: $v, unit: L, at: $arrival.received_at, port: $arrival.port}}
"""
    decoded = meaning(generic(rules), _item("v", 1), topic="m/abc/7", port=9, received_at=_NOON)
    assert (decoded.readings[0].at, decoded.readings[0].port) == (_NOON, 9)
    assert decoded.identity is not None
    assert (decoded.identity.scheme, decoded.identity.value) == ("topic", "abc")
    assert decoded.sequence == 9


@pytest.mark.parametrize(
    ("rule", "key", "message"),
    [
        ("value: $volum", "readings[0].value", "Did you mean “volume”?"),
        ("value: $volume, unit: kWh", "readings[0].unit", "can't be kept as m3"),
        ("value: $volume, unit: furlong", "readings[0].unit", "no unit “furlong”"),
        ("formula: '$volume +'", "readings[0]", "no formula"),
        ("formula: $volume * open(1)", "readings[0]", "functions"),
        ("value: '$volume[]'", "readings[0]", "list of values"),
        ("value: $arrival.weather", "readings[0]", "port, topic"),
        ("value: $volume, pulse: {weight: 1, unit: kWh}", "readings[0].pulse.unit", "kept as m3"),
    ],
)
def test_rules_that_can_not_be_are_refused_at_their_line(rule: str, key: str, message: str) -> None:
    found = faults("[{name: volume, type: u32}]", f"readings:\n  - {{{_VOLUME}, {rule}}}\n")
    assert [(one.key, message in one.message, one.mark.line) for one in found] == [(key, True, 11)]


def test_faults_of_the_layout_are_at_their_line() -> None:
    (problem,) = faults("[{name: volume, type: u33x}]", "")
    assert (problem.mark.line, problem.key) == (9, "decode.fields[0].type")


def test_a_value_too_large_refuses_the_telegram() -> None:
    from ingestion.codecs.errors import DecodeError

    compiled = binary(
        "[{name: v, type: u64}]", f"readings:\n  - {{{_VOLUME}, value: $v, unit: m3}}\n"
    )
    from ingestion.decoding import Arrival

    with pytest.raises(DecodeError, match="larger than the archive"):
        compiled.decode(b"\xff" * 8, context=Arrival())
