"""Frames of Diehl's IZAR modules: published telegrams (wmbusmeters, driver izar)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ingestion.codecs.wmbus import decode_wmbus

from .frames import KEY

_LONG = bytes.fromhex("1944304c72242421d401a2013d4013dd8b46a4999c1293e582cc")
_SHORT = bytes.fromhex("1344304cf3628920bc01a0712f03130ceb627a81")


def test_long_frame() -> None:
    telegram = decode_wmbus(_LONG)
    assert {item.name: item.value for item in telegram.items} == {
        "volume": Decimal("3.488"),
        "volume_storage_1": Decimal("3.486"),
        "date_storage_1": date(2019, 9, 30),
        "battery_remaining_time": Decimal("14.5"),
        "transmission_period": 8,
        "alarms": "blocked flow_too_low",
        "alarm_blocked": True,
        "alarm_flow_too_low": True,
    }
    assert (telegram.identity["id"], telegram.identity["medium"]) == ("21242472", "water")


def test_short_frame_of_another_key() -> None:
    telegram = decode_wmbus(_SHORT)
    volume = telegram.items[0]
    assert (volume.value, volume.unit) == (Decimal("1248.146"), "m3")
    assert telegram.octets[volume.start : volume.end] == bytes.fromhex("920b1300")
    alarms = next(item for item in telegram.items if item.name == "alarms")
    assert alarms.value == "blocked mechanical_fraud mechanical_fraud_before"


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(_LONG[:-1], id="another length"),
        pytest.param(_LONG[:2] + b"\x93\x15" + _LONG[4:], id="another maker"),
        pytest.param(_LONG[:15] + bytes([_LONG[15] ^ 1]) + _LONG[16:], id="another key"),
        pytest.param(_LONG[:24] + bytes(2), id="no day"),
    ],
)
def test_other_content_stays_bytes(octets: bytes) -> None:
    frame = bytes([len(octets) - 1]) + octets[1:]
    assert [item.name for item in decode_wmbus(frame).items] == ["manufacturer_data"]


def test_own_key_of_a_module() -> None:
    key = bytes.fromhex("51728910e66d83f8")
    assert decode_wmbus(_SHORT, key=key[::-1]).items[0].name == "manufacturer_data"
    assert decode_wmbus(_SHORT, key=KEY).items[0].name == "volume"
