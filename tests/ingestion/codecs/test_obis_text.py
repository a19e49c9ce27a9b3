"""Readouts of every mode and country; checksums; sub-meters; logs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.cosem import Keys
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.obis_text import SMARTY_AUTHENTICATION_KEY, crc_arc, decode_obis_text
from ingestion.codecs.telegram import Item, Telegram
from tests.ingestion.codecs.cosem.parts import TITLE, ciphered, published, sized

_LINES = (
    "1-3:0.2.8(50)",
    "0-0:1.0.0(201025023000W)",
    "0-0:96.1.1(4530303434303037333832323436303139)",
    "1-0:1.8.1(002130.115*kWh)",
    "1-0:99.97.0(2)(0-0:96.7.19)(190326095015W)(0000002014*s)(200426223325S)(0000000240*s)",
    "0-0:96.13.0(48656C6C6F)",
    "0-1:24.1.0(003)",
    "0-1:96.1.0(4730303339303031393336393930363139)",
    "0-1:24.2.1(200426223001S)(00246.138*m3)",
)


def _p1(*lines: str, head: str = "/ISK5\\2M550T-1012") -> bytes:
    content = "\r\n".join((head, "", *lines)).encode("latin-1") + b"\r\n!"
    return content + f"{crc_arc(content):04X}\r\n".encode()


def _items(octets: bytes) -> dict[str, Item]:
    return {item.name: item for item in decode_obis_text(octets).items}


def _covered(telegram: Telegram) -> set[int]:
    spans = [*telegram.items, *telegram.layers]
    return {place for span in spans for place in range(span.start, span.end)}


def _wall(*parts: int) -> datetime:
    """A meter's wall clock has no zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def test_checksum_of_the_standard_text() -> None:
    assert crc_arc(b"123456789") == 0xBB3D


def test_a_telegram_of_version_5() -> None:
    octets = _p1(*_LINES)
    telegram = decode_obis_text(octets)
    items = {item.name: item for item in telegram.items}
    assert telegram.warnings == ()
    assert telegram.identity == {
        "manufacturer": "ISK",
        "model": "M550T-1012",
        "version": "50",
        "id": "E0044007382246019",
    }
    assert items["clock"].value == _wall(2020, 10, 25, 2, 30)
    assert items["clock"].facts["dst"] is False
    energy = items["active_energy_import_t1"]
    assert (energy.value, energy.unit) == (Decimal("2130.115"), "kWh")
    assert octets[energy.start : energy.end] == b"1-0:1.8.1(002130.115*kWh)"
    assert (energy.facts["obis"], energy.facts["tariff"]) == ("1-0:1.8.1", 1)
    assert items["text_message"].value == "Hello"
    assert _covered(telegram) == set(range(len(octets)))


def test_sub_meters_are_told_by_type_and_number() -> None:
    reading = _items(_p1(*_LINES))["reading_ch1"]
    assert (reading.value, reading.unit) == (Decimal("246.138"), "m3")
    asked = ("medium", "quantity", "channel", "submeter", "time", "dst")
    assert [reading.facts[key] for key in asked] == [
        "gas",
        "volume",
        1,
        "G0039001936990619",
        _wall(2020, 4, 26, 22, 30, 1),
        True,
    ]


def test_logs_are_lists() -> None:
    log = _items(_p1(*_LINES))["power_failure_log"]
    first, second = (
        {"time": _wall(2019, 3, 26, 9, 50, 15), "dst": False, "value": 2014, "unit": "s"},
        {"time": _wall(2020, 4, 26, 22, 33, 25), "dst": True, "value": 240, "unit": "s"},
    )
    assert (log.value, log.unit, log.facts["captured"]) == ([first, second], "s", "0-0:96.7.19")


_SHAPES: dict[str, Any] = {
    "1-0:99.97.0()": None,
    "1-0:99.97.0(0)(0-0:96.7.19)": [],
    "0-0:98.1.0(0)(1-0:1.6.0)(1-0:1.6.0)()()": [],
    "0-0:96.14.0(0002)": 2,
    "0-0:96.13.0()": None,
    "1-0:32.7.0(229.9*V)": Decimal("229.9"),
    "0-1:24.2.1(632525252525W)(00000.000)": Decimal(0),
    "1-0:1.6.0(200509134558S)(02.589*kW)": Decimal("2.589"),
    "1.6.1(12.3*kW)(2105011215)": Decimal("12.3"),
    "0-0:98.1.0(230701000000S)(000040.777*kWh)(03.564*kW)": [Decimal("40.777"), Decimal("3.564")],
    "C.1.0(12345678)": "12345678",
    "0-0:1.0.0(210222161900W)": _wall(2021, 2, 22, 16, 19),
    "0-1:24.2.1(700101010000W)(00000000)": 0,
    "1-0:99.97.0(²)(0-0:96.7.19)(1)": ["²", "0-0:96.7.19", 1],
}


@pytest.mark.parametrize(("line", "value"), _SHAPES.items())
def test_shapes_of_values(line: str, value: Any) -> None:
    (item,) = _items(_p1(line)).values()
    assert item.value == value


def test_names_are_unique_even_beside_numbered_ones() -> None:
    lines = ("0-0:96.1.0(1)", "0-0:96.1.2(2)", "0-0:96.1.0(3)", "0-0:96.1.0(4)")
    assert list(_items(_p1(*lines))) == ["meter_id", "meter_id_2", "meter_id_3", "meter_id_4"]


def test_the_old_form_over_two_lines() -> None:
    octets = b"/ISk5\\2MT382-1004\r\n\r\n0-1:24.1.0(7)\r\n"
    octets += b"0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n!\r\n"
    telegram = decode_obis_text(octets)
    reading = telegram.items[1]
    assert telegram.warnings == ("The readout has no checksum.",)
    assert (reading.name, reading.value, reading.unit) == ("reading_ch1", Decimal("1.001"), "m3")
    assert reading.facts["obis"] == "0-1:24.2.1" and reading.facts["medium"] == "water"
    assert reading.facts["time"] == _wall(2016, 11, 7, 19)


def test_load_profile_of_several_channels() -> None:
    octets = b"P.01(2105011215)(00)(15)(2)(1.5)(kW)(3.5)(kvar)\r\n(1.0)(2.0)\r\n(1.1)(2.1)\r\n"
    items = _items(octets)
    assert items["active_power_import_last_average"].value == [Decimal("1.0"), Decimal("1.1")]
    assert items["reactive_power_import_last_average"].unit == "kvar"


def test_heat_meter_with_reduced_codes() -> None:
    octets = b"6.8(0123.456*MWh)6.26(00012.34*m3)9.21(66153690)\r\n6.26*01(00001.00*m3)"
    octets += b"6.33(000.017*m3ph)9.4(095.1*C&064*C)\r\n!\r\n"
    telegram = decode_obis_text(octets)
    assert [(item.name, item.value, item.unit) for item in telegram.items] == [
        ("energy", Decimal("123.456"), "MWh"),
        ("volume", Decimal("12.34"), "m3"),
        ("meter_id", "66153690", ""),
        ("volume_period_1", Decimal("1.00"), "m3"),
        ("flow_max", Decimal("0.017"), "m3/h"),
        ("temperature_max", Decimal("95.1"), "°C"),
        ("temperature_max_2", 64, "°C"),
    ]
    assert telegram.items[3].facts["storage"] == 1
    assert telegram.identity["id"] == "66153690"


def test_a_wrong_crc_names_both_numbers() -> None:
    octets = _p1(*_LINES).replace(b"002130.115", b"002130.116")
    with pytest.raises(DecodeError, match=r"CRC: computed [0-9A-F]{4}, given") as caught:
        decode_obis_text(octets)
    assert octets[caught.value.offset - 1 : caught.value.offset] == b"!"
    assert decode_obis_text(octets, verify=False).items


def test_block_check_character() -> None:
    block = b"1.8.0(000001.5*kWh)\r\n!\r\n\x03"
    check = 0
    for octet in block:
        check ^= octet
    octets = b"/LGZ4ZMD\r\n\x02" + block + bytes([check])
    telegram = decode_obis_text(octets)
    assert telegram.warnings == () and telegram.items[0].value == Decimal("1.5")
    assert _covered(telegram) == set(range(len(octets)))
    with pytest.raises(DecodeError, match="block check"):
        decode_obis_text(octets[:-1] + bytes([check ^ 1]))


def test_even_parity_left_in_the_bytes() -> None:
    clear = b"/EMH4abc\r\n1-0:1.8.0*255(12.5*kWh)\r\n!\r\n"
    octets = bytes(octet | (octet.bit_count() & 1) << 7 for octet in clear)
    assert decode_obis_text(octets).items[0].value == Decimal("12.5")


def test_noise_before_and_behind() -> None:
    octets = b"1.5)\r\n!ABCD\r\n" + _p1("1-0:1.7.0(01.193*kW)") + b"  25803103\r\n\xff\xff"
    telegram = decode_obis_text(octets)
    assert [item.name for item in telegram.items] == ["active_power_import"]
    assert _covered(telegram) == set(range(len(octets)))


@pytest.mark.parametrize("authentication", [SMARTY_AUTHENTICATION_KEY, b""])
def test_ciphered_telegram_of_luxembourg(authentication: bytes) -> None:
    """General-glo over serial; without an authentication key the published one is taken."""
    text = _p1(*_LINES)
    keys = Keys(bytes(range(16)), SMARTY_AUTHENTICATION_KEY)
    octets = b"\xdb" + sized(TITLE) + sized(ciphered(text, 0x30, 9, keys))
    telegram = decode_obis_text(octets, keys=Keys(keys.encryption, authentication))
    assert len(telegram.items) == 9 and telegram.identity["system_title"] == TITLE.hex()
    energy = telegram.items[3]
    assert telegram.octets[energy.start : energy.end] == b"1-0:1.8.1(002130.115*kWh)"
    assert _covered(telegram) == set(range(len(octets)))
    with pytest.raises(DecodeError, match="a key is needed"):
        decode_obis_text(octets)


_REFUSED = {
    b"": "no identification",
    b"hello": "no identification",
    b"/ISK5abc\r\n1-0:1.8.0(1*kWh)\r\n": "has no end",
    b"/ISK5abc\r\n1-0:1.8.0(1*kWh\r\n!\r\n": "closing parenthesis",
    b"/ISK5abc\r\n\r\n!\r\n": "holds no values",
    b"/ISK5abc\r\n" + b"(1)" * 5000 + b"\r\n!\r\n": "more than",
    b"/ISK5abc\r\n" + bytes(70_000): "65536 are allowed",
}


@pytest.mark.parametrize(("octets", "reason"), _REFUSED.items(), ids=_REFUSED.values())
def test_refusals(octets: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_obis_text(octets)


def test_every_byte_of_the_published_texts_is_explained() -> None:
    for vector in published("p1_dsmr_parser.json")["vectors"]:
        octets = vector["text"].encode("latin-1")
        assert _covered(decode_obis_text(octets)) == set(range(len(octets))), vector["name"]


_SEED = _p1(*_LINES, "0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)", "(00001.001)")


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_changed_bytes_raise_nothing_else(data: st.DataObject) -> None:
    octets = bytearray(_SEED)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))
    for mutated in (bytes(octets), bytes(octets[:cut]), bytes(octets[cut:])):
        try:
            telegram = decode_obis_text(mutated, verify=False)
        except DecodeError as error:
            assert 0 <= error.offset <= len(mutated) and error.reason
        else:
            assert all(0 <= item.start <= item.end <= len(mutated) for item in telegram.items)
