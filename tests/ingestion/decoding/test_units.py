"""Units and the archive's integers: exact, and cut the right way."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.decoding.amounts import Amounts, archive_deltas, archive_integer, archive_scale, said
from ingestion.decoding.units import UNITS, conversion, find_unit
from meters.catalogue import CATALOGUE
from meters.quantities import Unit

_TYPES = {entry.code: entry for entry in CATALOGUE}


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("m3", "L", 1, 1_000),
        ("L", "m3", 1, Fraction(1, 1_000)),
        ("kWh", "Wh", 2, 2_000),
        ("GJ", "Wh", 9, 2_500_000),
        ("MJ", "kWh", Fraction(36, 10), 1),
        ("Gcal", "MWh", 1, Fraction(1_163, 1_000)),
        ("J", "Wh", 3_600, 1),
        ("kW", "W", 1, 1_000),
        ("L/min", "m3/h", 1, Fraction(6, 100)),
        ("L/h", "m3/h", 250, Fraction(1, 4)),
        ("K", "degC", Fraction(29_315, 100), 20),
        ("°C", "K", 0, Fraction(27_315, 100)),
        ("°F", "°C", 212, 100),
        ("°C", "degF", -40, -40),
        ("mbar", "Pa", 1, 100),
        ("kPa", "bar", 100, 1),
        ("gal", "L", 1, Fraction(3_785_411_784, 10**9)),
        ("mV", "V", 3_600, Fraction(36, 10)),
    ],
)
def test_conversions(source: str, target: str, value: Fraction, expected: Fraction) -> None:
    found = conversion(source, target)
    assert found is not None
    assert value * found.factor + found.offset == expected


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.fractions())
def test_there_and_back_is_the_same(one: str, other: str, value: Fraction) -> None:
    there, back = conversion(one, other), conversion(other, one)
    same = UNITS[one].dimension == UNITS[other].dimension
    assert (there is not None) is (back is not None) is same
    if there and back:
        assert (value * there.factor + there.offset) * back.factor + back.offset == value


def test_every_unit_of_the_catalogue_is_known() -> None:
    assert [unit.value for unit in Unit if find_unit(unit.value) is None] == []


def test_energy_is_no_power() -> None:
    assert conversion("kWh", "kW") is None
    assert conversion("kWh", "furlong") is None


def _kept(value: Fraction, unit: str, code: str) -> int:
    scale = archive_scale(unit, _TYPES[code])
    assert scale is not None
    return archive_integer(value, scale, _TYPES[code], 0)


@pytest.mark.parametrize(
    ("value", "unit", "code", "integer"),
    [
        (Fraction(123_456, 10_000), "m3", "cold_water.volume.register", 12_345),
        (Fraction(-1, 10_000), "m3", "cold_water.volume.register", -1),
        (Fraction(1), "GJ", "heat.energy.register", 277_777),
        (Fraction(23_045, 100), "V", "electricity.voltage.l1", 2_304),
        (Fraction(23_055, 100), "V", "electricity.voltage.l1", 2_306),
        (Fraction(2_046, 100), "°C", "heat.temperature.flow", 2_046),
        (Fraction(300), "K", "heat.temperature.flow", 2_685),
    ],
)
def test_registers_are_cut_down_and_others_rounded(
    value: Fraction, unit: str, code: str, integer: int
) -> None:
    assert _kept(value, unit, code) == integer


def test_a_value_beyond_63_bits_is_refused_at_its_byte() -> None:
    scale = Amounts(Fraction(1), Fraction(0))
    entry = _TYPES["heat.energy.register"]
    assert archive_integer(Fraction(2**63 - 1), scale, entry, 7) == 2**63 - 1
    with pytest.raises(DecodeError) as caught:
        archive_integer(Fraction(2**63), scale, entry, 7)
    assert caught.value.offset == 7


@given(
    st.fractions(min_value=0, max_value=10**6),
    st.lists(st.fractions(min_value=0, max_value=1_000), max_size=30),
    st.fractions(min_value=Fraction(1, 10**6), max_value=10**3),
)
def test_amounts_lose_nothing_on_the_way(
    base: Fraction, deltas: list[Fraction], factor: Fraction
) -> None:
    """Opening plus all kept amounts is the closing register, cut down."""
    scale = Amounts(factor, Fraction(0))
    entry = _TYPES["heat.energy.register"]
    kept = archive_deltas(deltas, base, scale, 0)
    opening = archive_integer(base, scale, entry, 0)
    closing = archive_integer(base + sum(deltas), scale, entry, 0)
    assert opening + sum(value or 0 for value in kept) == closing
    assert all(value is not None and value >= 0 for value in kept)


def test_missing_amounts_stay_missing() -> None:
    scale = Amounts(Fraction(1, 2), Fraction(0))
    assert archive_deltas([Fraction(1), None, Fraction(1)], None, scale, 0) == [0, None, 1]


def test_numbers_for_people_end() -> None:
    assert said(Fraction(5)) == 5
    assert str(said(Fraction(1, 8))) == "0.125"
    assert str(said(Fraction(1, 3))) == "0." + "3" * 30
