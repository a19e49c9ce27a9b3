"""Pushes of every shape; the spans cover every byte."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from ingestion.codecs.cosem import decode_cosem
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram

from .parts import APDU, BODY, published, wrapped


def _values(octets: str | bytes) -> dict[str, object]:
    telegram = decode_cosem(bytes.fromhex(octets) if isinstance(octets, str) else octets)
    return {item.name: item.value for item in telegram.items}


def _covered(telegram: Telegram) -> set[int]:
    spans = [*telegram.items, *telegram.layers]
    return {place for span in spans for place in range(span.start, span.end)}


def test_every_byte_has_an_explanation() -> None:
    file = published("dlms_han_amshan.json")
    for vector in file["cosem_push"]:
        telegram = decode_cosem(bytes.fromhex(vector["payload_hex"]))
        assert _covered(telegram) == set(range(len(telegram.octets))), vector["name"]


def test_code_value_and_scale_in_a_row() -> None:
    """As Landis+Gyr, Sagemcom and Kaifa in Austria send: time first, then triples."""
    body = (
        "0f80000001 0c07e4011502100000ff800000 0206"
        "090c07e4011502100000ff800000"
        "09060100010800ff 0600000064 02020f01161e"
        "09060100200700ff 1208fc".replace(" ", "")
    )
    values = _values(body.replace(" ", ""))
    clock = datetime(2020, 1, 21, 16)  # noqa: DTZ001 - the meter's wall clock
    assert values == {
        "notification_time": clock,
        "clock": clock,
        "active_energy_import": 1000,
        "voltage_l1": 2300,
    }


def test_captured_objects_describe_what_follows() -> None:
    """An IDIS push: the list of objects, itself the first of them, then their values."""
    octets = (
        "0f00000001 00 0202 0102"
        "0204 12 0028 0906 0019090000ff 0f02 120000"
        "0204 12 0003 0906 0100010800ff 0f02 120000"
        "0600000064"
    )
    telegram = decode_cosem(bytes.fromhex(octets.replace(" ", "")))
    (item,) = telegram.items
    assert (item.name, item.value, item.facts["layout"]) == (
        "active_energy_import",
        100,
        "described",
    )


def test_kamstrup_behind_transformers_counts_milliamperes() -> None:
    def list_of(kind: bytes) -> str:
        version = b"Kamstrup_V0001"
        return (
            "0f000000000c07e1081003100005ff800000 0205"
            + f"0a{len(version):02x}{version.hex()}"
            + f"09060101600101ff0a{len(kind):02x}{kind.hex()}"
            + "090601011f0700ff0600000380"
        ).replace(" ", "")

    assert _values(list_of(b"6861111BN242101040"))["current_l1"] == Decimal("8.96")
    assert _values(list_of(b"6851111BN242101040"))["current_l1"] == Decimal("0.896")


def test_kamstrups_clock_of_channel_1_is_a_time() -> None:
    octets = (
        "0f000000000c07e1081003100005ff800000 0203 0a0e4b616d73747275705f5630303031"
        "0906000101000 0ff 090c07e1081003100005ff800000"
    ).replace(" ", "")
    assert _values(octets)["clock"] == datetime(2017, 8, 16, 16, 0, 5)  # noqa: DTZ001


def test_a_code_without_a_value_takes_none_from_its_neighbour() -> None:
    octets = "0204 0906 0100010700ff 00 0906 0100020700ff 0600000005".replace(" ", "")
    assert _values(octets) == {"active_power_import": None, "active_power_export": 5}


def test_values_without_codes_are_named_by_place() -> None:
    assert _values("0202 1105 0202 0906000102030405 0301".replace(" ", "")) == {
        "value_0": 5,
        "value_1_0": b"\x00\x01\x02\x03\x04\x05",
        "value_1_1": True,
    }


def test_text_may_be_filled_up() -> None:
    octets = "0202 0906 0000600100ff 0908 4b464d3031200000".replace(" ", "")
    assert _values(octets) == {"meter_id": "KFM01"}
    assert _values("0202 0906 0000600100ff 0902 0000".replace(" ", "")) == {"meter_id": b"\0\0"}


def test_event_notification_names_its_object() -> None:
    octets = "c2 01 0c 07e4011502100000ff800000 0001 0000616100ff 02 0600000008"
    telegram = decode_cosem(bytes.fromhex(octets.replace(" ", "")))
    assert [(item.name, item.value) for item in telegram.items][1:] == [("error_register", 8)]
    assert _covered(telegram) == set(range(len(telegram.octets)))
    assert decode_cosem(bytes.fromhex("c200 0003 0100010800ff 02 1101".replace(" ", "")))


def test_get_responses() -> None:
    assert _values("c401c100 0600000005".replace(" ", "")) == {"value": 5}
    assert _values("c403c102 00 1101 00 1102".replace(" ", "")) == {"value": 1, "value_2": 2}
    assert _values("c402c1 01 00000001 00 02 1105".replace(" ", "")) == {"value": 5}
    for octets, reason in (
        ("c401c1010b", "object unavailable"),
        ("c402c10000000001000211 05", "longer answer"),
        ("c404c100", "kind 4"),
    ):
        with pytest.raises(DecodeError, match=reason):
            decode_cosem(bytes.fromhex(octets.replace(" ", "")))


def test_times_with_and_without_their_tag() -> None:
    time = "07e3020401173416ff800000"
    clock = datetime(2019, 2, 4, 23, 52, 22)  # noqa: DTZ001 - the meter's wall clock
    for before in ("0c", "090c"):
        values = _values(f"0f40000000{before}{time}020106000016dc")
        assert values == {"notification_time": clock, "active_power_import": 5852}


def test_several_wrapped_messages_in_one_stream() -> None:
    telegram = decode_cosem(wrapped(APDU) * 20 + b"\xff")
    assert [item.value for item in telegram.items] == [280] * 20
    assert telegram.warnings == ("1 bytes behind the message were not read.",)
    assert _covered(telegram) == set(range(len(telegram.octets)))


def test_bytes_behind_a_message_are_shown_and_told() -> None:
    telegram = decode_cosem(BODY + b"\x00\x00")
    assert telegram.warnings == ("2 bytes behind the message were not read.",)
    assert telegram.layers[-1].name == "behind the message"


_REFUSED = {
    "": "no bytes",
    "c001c1": "get-request carries no values",
    "0f00000000": "needs 1 bytes",
    "0f0000000005": "date-time of 5 bytes",
    "0100": "holds no values",
    "2f4b464d35": "decode it as obis_text",
    "000100010001ffff0f": "wrapper says",
    "68060668 53ff00 0167 00 ff 16": "M-Bus checksum: computed ba, given ff",
    "68060668 53ff72 0167 00 2c 16": "CI 72",
    "68060668 53ff00 0167 00 bb": "does not fit",
    "68060668 53ff00 0167 0f bb 16": "computed c9, given bb",
    "e6e700": "without content",
}


@pytest.mark.parametrize(("octets", "reason"), _REFUSED.items())
def test_refusals(octets: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_cosem(bytes.fromhex(octets))


def test_size_is_limited() -> None:
    with pytest.raises(DecodeError, match="65536 are allowed"):
        decode_cosem(bytes(65_537))


def test_complaints_name_the_byte_received() -> None:
    octets = wrapped(APDU[:-4] + b"\x07\x07\x07\x07")
    with pytest.raises(DecodeError) as caught:
        decode_cosem(octets)
    assert octets[caught.value.offset] == 0x07
