"""Data records of EN 13757-3: headers, units and data, one case a row of the tables."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus.records import items_of, read_records, read_values

from .frames import read

# Octets, quantity, unit, value. Tables 4, 10, 12, 14 and 15.
VALUES: list[tuple[str, str, str, Any]] = [
    ("01 03 FE", "energy", "Wh", -2),
    ("02 06 0100", "energy", "Wh", 1000),
    ("03 13 153100", "volume", "m3", Decimal("12.565")),
    ("04 0E 01000000", "energy", "J", 1_000_000),
    ("06 03 FFFFFFFFFF7F", "energy", "Wh", 2**47 - 1),
    ("07 00 FFFFFFFFFFFFFF7F", "energy", "Wh", Decimal(2**63 - 1).scaleb(-3)),
    ("05 5B 00004841", "flow_temperature", "°C", Decimal("12.5")),
    ("05 2E 36D62EBE", "power", "W", Decimal("-170.73902")),
    ("05 2B FFFF7F7F", "power", "W", 34028235 * 10**31),
    ("05 2B FFFF7FFF", "power", "W", -34028235 * 10**31),
    ("05 2B 01000000", "power", "W", Decimal("1E-45")),
    ("05 28 00000080", "power", "W", Decimal("0.000")),
    ("05 2B CDCCCC3D", "power", "W", Decimal("0.1")),
    ("09 2B 99", "power", "W", 99),
    ("0A 5A 0502", "flow_temperature", "°C", Decimal("20.5")),
    ("0B 3B 2702F1", "volume_flow", "m3/h", Decimal("-10.227")),
    ("0C 13 78563412", "volume", "m3", Decimal("12345.678")),
    ("0E 04 563412907856", "energy", "Wh", 5_678_901_234_560),
    ("0B 62 0200F0", "temperature_difference", "K", Decimal("-0.2")),
    ("02 40 0100", "volume_flow", "m3/min", Decimal("1E-7")),
    ("02 4F 0100", "volume_flow", "m3/s", Decimal("0.01")),
    ("02 53 0700", "mass_flow", "kg/h", 7),
    ("02 1B 0700", "mass", "kg", 7),
    ("02 37 0200", "power", "J/h", 20_000_000),
    ("02 69 E803", "pressure", "bar", Decimal("10.00")),
    ("02 66 F6FF", "external_temperature", "°C", Decimal("-1.0")),
    ("02 23 0200", "on_time", "s", 172_800),
    ("02 25 0200", "operating_time", "s", 120),
    ("01 72 18", "averaging_duration", "s", 86_400),
    ("01 74 04", "actuality_duration", "s", 4),
    ("02 6E 0A00", "hca_units", "", 10),
    ("0C 78 07201800", "fabrication_number", "", "00182007"),
    ("04 78 EA629E00", "fabrication_number", "", "10380010"),
    ("07 79 7856341224400107", "enhanced_identification", "", "12345678"),
    ("01 7A FB", "bus_address", "", 251),
    ("02 FD17 0080", "error_flags", "", 0x8000),
    ("04 FD08 FFFFFFFF", "access_number", "", 0xFFFFFFFF),
    ("02 FD48 4509", "voltage", "V", Decimal("237.3")),
    ("02 FD59 0A00", "current", "A", Decimal("0.010")),
    ("02 FD03 0500", "credit", "currency", 5),
    ("01 FD28 03", "storage_interval", "month", 3),
    ("02 FD6C 0200", "battery_operating_time", "s", 7200),
    ("02 FD74 0200", "battery_remaining_time", "s", 172_800),
    ("02 FDFD02 0200", "battery_remaining_time", "month", 2),
    ("01 FD71 A6", "rf_level", "dBm", -90),
    ("02 FB00 0300", "energy", "Wh", 300_000),
    ("02 FB02 0300", "reactive_energy", "varh", 3000),
    ("02 FB09 0300", "energy", "J", 3_000_000_000),
    ("02 FB14 0300", "reactive_power", "var", 3),
    ("02 FB37 0300", "apparent_power", "VA", 3000),
    ("02 FB1B 3700", "relative_humidity", "%", 55),
    ("02 FB2E F401", "frequency", "Hz", Decimal("50.0")),
    ("02 FB2B 0807", "phase_angle_current", "°", Decimal("180.0")),
    ("02 FB10 0300", "volume", "m3", 300),
    ("02 FB21 0300", "volume", "ft3", Decimal("0.3")),
    ("02 FB77 0300", "temperature_limit", "°C", 3),
    ("02 FB68 0030", "rating_factor", "", Decimal("3.000000000000")),
    ("02 6F 0300", "reserved", "", 3),
    ("0D FD11 05 6F6C6C6548", "customer", "", "Hello"),
    ("0D FD0F 02 0041", "software_version", "", "A"),
    ("0C FD0F 02000100", "software_version", "", "00010002"),
    ("02 FD0E 0A00", "firmware_version", "", 10),
    ("0D 13 C3 563412", "volume", "m3", Decimal("123.456")),
    ("0D 13 D2 3412", "volume", "m3", Decimal("-1.234")),
    ("0D 13 E2 FFFF", "volume", "m3", Decimal("-0.001")),
    ("0D FD19 E4 01020304", "security_key", "", bytes.fromhex("01020304")),
    ("0D FD3B F0 000102030405060708090A0B0C0D0E0F", "wireless_container", "", bytes(range(16))),
    ("0D FD3B F5 " + "55" * 48, "wireless_container", "", b"\x55" * 48),
    ("0D FD3B F6 " + "55" * 64, "wireless_container", "", b"\x55" * 64),
    ("02 FC 03 485225 74 2215", "relative_humidity", "%", Decimal("54.10")),
    ("02 FC 74 03 485225 2215", "relative_humidity", "%", Decimal("54.10")),  # edition of 2018
    ("02 FC 22 03 216948 0100", "Hi!", "/h", 1),
    ("02 FC 03 010203 74 0100", "\x03\x02\x01", "", Decimal("0.01")),
    ("04 7C 01 63 01000000", "c", "", 1),
    ("01 7C 00 05", "plain_text", "", 5),
    ("01 FF15 07", "manufacturer_specific", "", 7),
    ("02 6C DF1C", "date", "", date(2014, 12, 31)),
    ("04 6D 0B0BCD13", "date_time", "", datetime(2014, 3, 13, 11, 11)),  # noqa: DTZ001
    ("0D 6C E2 DF1C", "date", "", date(2014, 12, 31)),
    ("04 FD30 0B0BCD13", "tariff_start", "", datetime(2014, 3, 13, 11, 11)),  # noqa: DTZ001
]


@pytest.mark.parametrize(("octets", "quantity", "unit", "value"), VALUES)
def test_values_are_exact_in_their_unit(octets: str, quantity: str, unit: str, value: Any) -> None:
    (record,) = read(octets).records
    assert (record.quantity, record.unit, record.value) == (quantity, unit, value)
    assert type(record.value) is type(value)
    assert record.valid


# Octets, what marks them as no good value.
INVALID = [
    ("02 59 0080", "the lowest number"),
    ("01 59 80", "the lowest number of 8 bits"),
    ("0A 5A EEEE", "letters"),
    ("0A 5A F0EE", "letters"),
    ("0C 78 FFFFFFFF", "letters in a number that names"),
    ("05 5B 0000C07F", "no number"),
    ("05 5B 0000807F", "infinity"),
    ("0D 13 C2 EEEE", "letters"),
    ("02 DA15 0000", "no data available"),
    ("02 DA18 0000", "data error"),
]


@pytest.mark.parametrize(("octets", "why"), INVALID, ids=[why for _, why in INVALID])
def test_what_the_meter_marks_invalid_has_no_value(octets: str, why: str) -> None:
    (record,) = read(octets).records
    assert (record.value, record.valid) == (None, False), why


def test_error_codes_of_a_record_are_told() -> None:
    (record,) = read("02 DA17 0000").records
    (item,) = items_of([record])
    assert record.status == item.facts["status"] == "data underflow"
    assert (item.facts["quantity"], item.facts["modifier"]) == ("flow_temperature", "")


def test_the_code_for_no_error_leaves_the_value() -> None:
    (record,) = read("02 DA00 0A00").records
    assert (record.value, record.valid, record.modifiers) == (Decimal("1.0"), True, ())


def test_summer_time_is_a_fact() -> None:
    winter, summer = items_of(read("046D 0B0BCD13 046D 0B8BCD13").records)
    assert "summer_time" not in winter.facts
    assert summer.facts["summer_time"] is True


def test_records_have_a_limit() -> None:
    with pytest.raises(DecodeError, match="more than 4096 records"):
        read("0013" * 4097)


@pytest.mark.parametrize("octets", ["00 13", "08 13"])
def test_records_without_data_are_valid_and_empty(octets: str) -> None:
    (record,) = read(octets).records
    assert (record.value, record.valid) == (None, True)


# DIF and DIFE, function, storage, tariff, subunit. Clauses 6.3.2 to 6.3.5.
NUMBERS = [
    ("02", "instantaneous", 0, 0, 0),
    ("12", "maximum", 0, 0, 0),
    ("22", "minimum", 0, 0, 0),
    ("32", "error", 0, 0, 0),
    ("42", "instantaneous", 1, 0, 0),
    ("8260", "instantaneous", 0, 2, 1),
    ("C2BF40", "instantaneous", 31, 3, 2),
    ("8290A020", "instantaneous", 0, 1 + 8 + 32, 0),
    ("C2" + "8F" * 9 + "0F", "instantaneous", 2**41 - 1, 0, 0),
    ("C2" + "8F" * 10 + "00", "instantaneous", 2**41 - 1, 0, 0),
]


@pytest.mark.parametrize(("dib", "function", "storage", "tariff", "subunit"), NUMBERS)
def test_function_storage_tariff_and_subunit(
    dib: str, function: str, storage: int, tariff: int, subunit: int
) -> None:
    (record,) = read(f"{dib} 03 0100").records
    found = (record.function, record.storage, record.tariff, record.subunit)
    assert found == (function, storage, tariff, subunit)
    assert record.header.final is (dib[-2:] == "00")


# VIB, modifiers, unit, value of the data 1000. Tables 16 and 17.
MODIFIED: list[tuple[str, tuple[str, ...], str, Any]] = [
    ("93 70", (), "m3", Decimal("0.000001000")),
    ("93 77", (), "m3", Decimal("10.00")),
    ("93 7D", (), "m3", 1000),
    ("93 7B", (), "m3", Decimal("2.000")),
    ("93 22", ("per_hour",), "m3/h", Decimal("1.000")),
    ("AE 25", ("per_month",), "W", 1_000_000),
    ("D9 23", ("per_day",), "°C", Decimal("10.00")),
    ("93 28", ("per_input_pulse_0",), "m3/pulse", Decimal("1.000")),
    ("AB 36", ("times_second",), "W·s", 1000),
    ("86 3C", ("backward_flow",), "Wh", 1_000_000),
    ("86 BB 7E", ("forward_flow", "future"), "Wh", 1_000_000),
    ("BB 48", ("upper_limit",), "m3/h", Decimal("1.000")),
    ("BB 41", ("lower_limit_exceeds",), "count", 1000),
    ("BB 5D", ("duration_of_last_upper_limit_exceed",), "s", 60_000),
    ("BB 52", ("duration_of_first_lower_limit_exceed",), "s", 3_600_000),
    ("BB 65", ("duration_of_last",), "s", 60_000),
    ("BB 68", ("during_lower_limit_exceed",), "m3/h", Decimal("1.000")),
    ("BB 12", ("average",), "m3/h", Decimal("1.000")),
    ("93 69", ("leakage",), "m3", Decimal("1.000")),
    ("FDC9 FC 01", ("l1",), "V", 1000),
    ("FDC9 FC 06", ("l2_l3",), "V", 1000),
    ("83 FC 0A", ("q3",), "Wh", 1000),
    ("83 FC 8C 3B", ("import_minus_export", "forward_flow"), "Wh", 1000),
    ("83 FC 7D", ("vife_fc_7d",), "Wh", 1000),
    ("83 FF 01", ("maker_01",), "Wh", 1000),
    ("83 4C", ("vife_4c",), "Wh", 1000),
    ("FF 91 02", ("11", "02"), "", 1000),
]


@pytest.mark.parametrize(("vib", "modifiers", "unit", "value"), MODIFIED)
def test_modifiers(vib: str, modifiers: tuple[str, ...], unit: str, value: Any) -> None:
    (record,) = read(f"02 {vib} E803").records
    assert (record.modifiers, record.unit, record.value) == (modifiers, unit, value)


@pytest.mark.parametrize("vife", ["39", "42", "4F", "6A", "6F"])
def test_dates_of_a_quantity_are_dates(vife: str) -> None:
    date_only, instant = read(f"02 BB{vife} DF1C 04 BB{vife} 0B0BCD13").records
    assert date_only.value == date(2014, 12, 31)
    assert instant.value == datetime(2014, 3, 13, 11, 11)  # noqa: DTZ001
    assert date_only.unit == instant.unit == ""


def test_numbers_without_a_sign_by_the_code_for_type_c() -> None:
    (record,) = read("01 83FC11 FF").records
    assert record.value == 255


def test_names_are_unique_and_tell_what_differs() -> None:
    octets = "0413 01000000 4413 02000000 0413 03000000 843C13 04000000 943D13 05000000"
    names = [item.name for item in items_of(read(octets).records)]
    assert names == [
        "volume",
        "volume_storage_1",
        "volume_2",
        "volume_tariff_3_storage_24",
        "maximum_volume_tariff_3_storage_26",
    ]


def test_facts_of_an_item() -> None:
    (item,) = items_of(read("B2 60 FDC9FC01 E803").records)
    assert item.name == "error_voltage_l1_tariff_2_subunit_1"
    assert dict(item.facts) == {
        "quantity": "voltage",
        "function": "error",
        "storage": 0,
        "tariff": 2,
        "subunit": 1,
        "modifier": "l1",
        "vif": "fdc9fc01",
        "coding": "int16",
        "valid": True,
    }
    assert (item.start, item.end, item.raw) == (0, 8, "1000")


def test_spans_and_headers_of_records() -> None:
    octets = bytes.fromhex("FF 8C1013 15310000 2F 426C DF1C FF")
    found = read_records(octets, 1, 13)
    first, second = found.records
    assert (first.dib, first.vib, first.data) == ((1, 3), (3, 4), (4, 8))
    assert (second.start, second.end) == (9, 13)
    assert found.headers == bytes.fromhex("8C1013 426C")
    assert found.fillers == ((8, 9),)


@pytest.mark.parametrize(("mark", "more"), [("0F", False), ("1F", True)])
def test_the_makers_own_part(mark: str, more: bool) -> None:
    found = read(f"0113 01 {mark} AABB")
    assert (found.tail_dif, found.tail, found.more_follows) == ((3, 4), (4, 6), more)


def test_neighbouring_fillers_are_one_span() -> None:
    assert read("2F2F 0113 01 2F2F2F").fillers == ((0, 2), (5, 8))


# Octets, offset, reason.
BROKEN = [
    ("04", 1, "before the VIF"),
    ("84", 1, "chain of DIFE"),
    ("84 80", 2, "chain of DIFE"),
    ("04 93", 2, "chain of VIFE"),
    ("04 13 010203", 2, "int32 needs 4 bytes, 3 are left"),
    ("0B 13 3718", 2, "BCD 6 needs 3 bytes, 2 are left"),
    ("0D 13", 2, "before the length"),
    ("0D 13 05 41", 2, "variable needs 6 bytes, 2 are left"),
    ("0D 13 CF", 2, "CFh is a reserved length"),
    ("0D 13 FB", 2, "FBh is a reserved length"),
    ("02 FC", 2, "chain|before the text"),
    ("02 FC 13 4852", 2, "19 bytes"),
    ("02 7C F3 4852", 2, "243 bytes"),
    ("02 FC 02 4852", 5, "before the VIFE"),
    ("02" + "93" + "80" * 10 + "00", 12, "more than 10 VIFE"),
    ("82" + "81" * 10 + "01 13 0000", 11, "more than 10 DIFE"),
    ("3F", 0, "DIF 3Fh"),
    ("0113 01 7F", 3, "DIF 7Fh"),
]


@pytest.mark.parametrize(("octets", "offset", "reason"), BROKEN)
def test_broken_records_are_refused_with_place_and_reason(
    octets: str, offset: int, reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason) as refused:
        read(octets)
    assert refused.value.offset == offset


def test_data_highest_byte_first() -> None:
    octets = bytes.fromhex("04 13 00003115 0D FD11 02 4869 02 6C 1CDF")
    volume, customer, day = read_records(octets, 0, len(octets), big_endian=True).records
    assert volume.value == Decimal("12.565")
    assert customer.value == "Hi"
    assert day.value == date(2014, 12, 31)


def test_a_compact_frame_takes_its_headers_from_elsewhere() -> None:
    whole = read("0413 15310000 0D FD11 02 6948 426C DF1C")
    octets = bytes.fromhex("FFFF 15310000 02 6948 DF1C 2F2F")
    compact = read_values(whole.headers, octets, 2, len(octets))
    assert [record.value for record in compact.records] == [
        record.value for record in whole.records
    ]
    assert [record.data for record in compact.records] == [(2, 6), (6, 9), (9, 11)]
    assert compact.fillers == ((11, 13),)
    assert compact.headers == whole.headers


@pytest.mark.parametrize("octets", ["153100", "15310000 00"])
def test_a_compact_frame_must_fit_its_headers(octets: str) -> None:
    raw = bytes.fromhex(octets)
    with pytest.raises(DecodeError):
        read_values(bytes.fromhex("0413"), raw, 0, len(raw))


@pytest.mark.parametrize("headers", ["AF13", "3F", "04", "0493"])
def test_a_broken_format_is_told_where_the_data_begin(headers: str) -> None:
    with pytest.raises(DecodeError, match="format") as refused:
        read_values(bytes.fromhex(headers), bytes(8), 2, 8)
    assert refused.value.offset == 2


@pytest.mark.parametrize(("mark", "more"), [("0F", False), ("1F", True)])
def test_the_makers_own_part_of_a_compact_frame(mark: str, more: bool) -> None:
    octets = bytes.fromhex("01AABB")
    compact = read_values(bytes.fromhex(f"2F0113{mark}"), octets, 0, len(octets))
    assert (compact.tail, compact.more_follows, len(compact.records)) == ((1, 3), more, 1)
