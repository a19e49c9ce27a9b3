"""BFW's own content, made by hand in the form that its allocators send."""

from __future__ import annotations

from datetime import date

import pytest

from ingestion.codecs.telegram import Telegram
from ingestion.codecs.wmbus import decode_wmbus

_MONTHS = [1234, 7, 0, 4095, 256, 15, *range(12)]


def _packed(months: list[int]) -> bytes:
    """Latest month first, as they are told; sent the other way round, two in three bytes."""
    pairs = [(months[at + 1], months[at]) for at in range(len(months) - 2, -1, -2)]
    return b"".join(
        bytes([older & 0xFF, older >> 8 << 4 | later >> 8, later & 0xFF]) for older, later in pairs
    )


def _frame(content: bytes, *, version: int = 2, maker: str = "d708") -> bytes:
    head = bytes.fromhex(f"44{maker}78563412{version:02x}087a01000000")
    return bytes([len(head) + len(content)]) + head + content


def _content(months: list[int], day: str = "310124") -> bytes:
    return (
        bytes.fromhex("2f2f9e1f")
        + bytes.fromhex("030401022a2a")
        + _packed(months)
        + bytes.fromhex(day)
    )


def _read(content: bytes) -> Telegram:
    return decode_wmbus(_frame(content))


def test_units_of_now_the_due_date_and_eighteen_months() -> None:
    telegram = _read(_content(_MONTHS))
    units = {
        item.facts["storage"]: item.value
        for item in telegram.items
        if item.facts["quantity"] == "hca_units"
    }
    assert units == {0: 258, 1: 772, **dict(enumerate(_MONTHS, 2))}
    (day,) = (item for item in telegram.items if item.facts["quantity"] == "date")
    assert day.value == date(2024, 1, 31)
    assert telegram.identity["id"] == "12345678"
    current = telegram.items[0]
    assert telegram.octets[current.start : current.end] == bytes.fromhex("0102")


@pytest.mark.parametrize("day", ["000000", "3a0124", "320124"])
def test_a_date_that_is_none_is_left_out(day: str) -> None:
    telegram = _read(_content(_MONTHS, day))
    assert {item.facts["quantity"] for item in telegram.items} == {"hca_units"}


def test_a_content_of_another_length_is_kept_as_bytes() -> None:
    (item,) = _read(_content(_MONTHS) + b"\0").items
    assert (item.name, item.value) == ("manufacturer_data", _content(_MONTHS) + b"\0")


@pytest.mark.parametrize(("version", "maker"), [(3, "d708"), (2, "ae4c")])
def test_other_devices_send_records(version: int, maker: str) -> None:
    good = decode_wmbus(_frame(bytes.fromhex("2f2f036e020100"), version=version, maker=maker))
    assert [item.value for item in good.items] == [258]
