"""Contents of Techem's own: published telegrams (wmbusmeters, drivers named in each)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.wmbus import decode_wmbus

# mkradio3, version 74.
_WATER = (
    "2f446850313233347462a2069f255900b0293100000003060609060306090706060505090505050504070406"
    "05070500"
)
_PUBLISHED = {
    "mkradio3": (
        _WATER,
        "m3",
        {
            "volume": Decimal("13.8"),
            "volume_storage_1": Decimal("8.9"),
            "date_storage_1": date(2018, 12, 31),
            "date": date(2019, 4, 27),
        },
    ),
    "compact5": (
        "37446850336633663943a210672c866100181c01000480794435d5" + "00" * 29,
        "Wh",
        {
            "energy": 25_250_000,
            "energy_storage_1": 24_966_000,
            "date_storage_1": date(2022, 3, 7),
        },
    ),
    "vario451": (
        "374468506549235827c3a2129f25383300a8622600008200800a2af862115175552877a36f26c9ab1cb2"
        "4400000004000000000004908002",
        "J",
        {
            "energy": 22_938_000_000,
            "energy_storage_1": 13_112_000_000,
            "date_storage_1": date(2018, 12, 31),
        },
    ),
    "fhkvdataiii": (
        "31446850226677116980a0119f27020480048300c408f709143c003d341a2b0b2a070700000000000006"
        "2d114457563d71a1850000",
        "",
        {
            "hca_units": 131,
            "hca_units_storage_1": 1026,
            "date_storage_1": date(2019, 12, 31),
            "date": date(2020, 2, 8),
            "room_temperature": Decimal("22.44"),
            "radiator_temperature": Decimal("25.51"),
        },
    ),
}


@pytest.mark.parametrize("name", _PUBLISHED)
def test_published_values(name: str) -> None:
    frame, unit, values = _PUBLISHED[name]
    telegram = decode_wmbus(bytes.fromhex(frame))
    *items, history = telegram.items
    assert {item.name: item.value for item in items} == values
    assert items[0].unit == unit
    assert history.name == "manufacturer_data"


def _names(octets: bytes) -> list[str]:
    return [item.name for item in decode_wmbus(bytes([len(octets) - 1]) + octets[1:]).items]


def _with(place: int, octets: str) -> bytes:
    frame = bytearray.fromhex(_WATER)
    frame[place : place + len(octets) // 2] = bytes.fromhex(octets)
    return bytes(frame)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(_with(8, "75"), id="another version"),
        pytest.param(_with(2, "9315"), id="another maker"),
        pytest.param(_with(10, "a3"), id="another content"),
        pytest.param(_with(12, "0000"), id="no day"),
        pytest.param(bytes.fromhex(_WATER)[:19], id="too short"),
    ],
)
def test_other_content_stays_bytes(octets: bytes) -> None:
    assert _names(octets) == ["manufacturer_data"]


@pytest.mark.parametrize(
    ("today", "expected"),
    [("b029", date(2019, 4, 27)), ("d011", date(2019, 8, 29)), ("0000", None), ("e005", None)],
)
def test_today_is_the_next_such_day(today: str, expected: Any) -> None:
    items = {item.name: item.value for item in decode_wmbus(_with(16, today)).items}
    assert items.get("date") == expected
