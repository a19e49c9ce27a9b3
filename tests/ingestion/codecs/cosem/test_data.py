"""Every type of COSEM data, and what is refused."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.cosem import decode_cosem
from ingestion.codecs.cosem.clock import looks_like_time, read_moment
from ingestion.codecs.cosem.data import MAX_NODES, DataReader
from ingestion.codecs.cosem.units import UNITS, scaled
from ingestion.codecs.errors import DecodeError

_PLAIN = {
    "00": None,
    "0301": True,
    "0300": False,
    "040ad6c0": "1101011011",
    "05fffffffe": -2,
    "06fffffffe": 4294967294,
    "09030a0b0c": b"\x0a\x0b\x0c",
    "0a0341424d": "ABM",
    "0c02c3a9": "é",
    "0d42": 42,
    "0f80": -128,
    "108000": -32768,
    "11ff": 255,
    "12ffff": 65535,
    "14ffffffffffffffff": -1,
    "15ffffffffffffffff": 18446744073709551615,
    "16ff": 255,
    "1741b80000": Decimal("23.0"),
    "173dcccccd": Decimal("0.1"),
    "183fb999999999999a": Decimal("0.1"),
    "177fc00000": None,
    "1a07e4011502": b"\x07\xe4\x01\x15\x02",
    "1b0c1e00ff": b"\x0c\x1e\x00\xff",
    "1cff": -1,
    "1dfffe": -2,
    "1efffffffd": -3,
    "1fff": 255,
    "20ffff": 65535,
    "21ffffffff": 4294967295,
    "ff": None,
}


@pytest.mark.parametrize(("octets", "value"), _PLAIN.items())
def test_plain_types(octets: str, value: Any) -> None:
    reader = DataReader(bytes.fromhex(octets))
    assert reader.data_value().value == value
    assert reader.left == 0


def test_lengths_of_more_than_one_byte() -> None:
    assert DataReader(b"\x09\x81\x80" + bytes(128)).data_value().value == bytes(128)
    assert DataReader(b"\x09\x82\x01\x00" + bytes(256)).data_value().value == bytes(256)


def test_compact_array_of_structures() -> None:
    """Type once, then the bare values: [u16, [2 × u8]] twice."""
    octets = bytes.fromhex("13 02 02 12 01 0002 11 08 0102 0a0b 0304 0c0d")
    node = DataReader(octets).data_value()
    rows = [[part.value for part in row.children[1].children] for row in node.children]
    assert [row.children[0].value for row in node.children] == [0x0102, 0x0304]
    assert rows == [[0x0A, 0x0B], [0x0C, 0x0D]]


_REFUSED = {
    "": "needs 1 bytes",
    "07": "no COSEM type",
    "0601": "needs 4 bytes",
    "0d4a": "digit above 9",
    "0203 1101": "3 values",
    "0985ffffffffff": "5 bytes, not 1..4",
    "13 00 01 00": "take no bytes",
    "13 13 00": "compact arrays",
    "13 12 03 000102 00": "over its end",
    "13 01 ffff 00 01 00": "more than",
    "02 01" * 40 + "00": "deeper",
}


@pytest.mark.parametrize(("octets", "reason"), _REFUSED.items())
def test_damaged_data_is_refused(octets: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        DataReader(bytes.fromhex(octets)).data_value()


def test_values_are_counted() -> None:
    with pytest.raises(DecodeError, match="more than"):
        DataReader(b"\x01\x82\x4e\x21" + bytes(MAX_NODES + 1)).data_value()


def test_times_of_every_completeness() -> None:
    full = bytes.fromhex("07e5091603112 31e32 ffc4 80".replace(" ", ""))
    moment = read_moment(full)
    zone = timezone(timedelta(hours=1))
    assert moment.value == datetime(2021, 9, 22, 17, 35, 30, 500_000, zone)
    assert moment.facts == {"dst": True}
    naive = read_moment(bytes.fromhex("07e50916ff11ffffff8000ff"))
    assert naive.value == datetime(2021, 9, 22, 17, 0)  # noqa: DTZ001 - a wall clock
    assert read_moment(bytes.fromhex("ffffffffffffffffff800003")).value is None
    assert read_moment(bytes.fromhex("ffffffffffffffffff800003")).facts == {
        "clock_invalid": True,
        "clock_doubtful": True,
    }


def test_text_is_no_time() -> None:
    assert not looks_like_time(b"AIDON_V00012")
    assert not looks_like_time(b"\x07\xe5")
    assert looks_like_time(bytes.fromhex("07e50916ff11ffffff8000ff"))


def test_a_date_alone() -> None:
    telegram = decode_cosem(bytes.fromhex("02021a07e40115021b0c1e0fff"))
    assert [item.value for item in telegram.items] == [date(2020, 1, 21), "12:30:15"]


def test_scaling_is_exact() -> None:
    assert scaled(2273, -1) == Decimal("227.3")
    assert scaled(18446744073709551615, -3) == Decimal("18446744073709551.615")
    assert scaled(5, 3) == 5000
    assert scaled(Decimal("0.1"), 2) == Decimal("10")


def test_units_are_complete() -> None:
    """Blue Book: 1 to 57, 60 to 67 and 70 to 72 are given, 254 and 255 stand for none."""
    assert {*range(1, 58), *range(60, 68), *range(70, 73), 254, 255} <= UNITS.keys()
    assert (UNITS[30], UNITS[13], UNITS[44], UNITS[9]) == ("Wh", "m3", "Hz", "°C")


def test_floats_of_all_sizes_read_back() -> None:
    for number in (1e-30, 123456.789, 3.4e38):
        reader = DataReader(b"\x18" + struct.pack(">d", number))
        assert float(reader.data_value().value or 0) == number
