"""Tables of makers and mappings of ThingsBoard become drafts; what is no table is refused in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.decoding import Arrival, Decoded, compile_type
from ingestion.workbench.proposing import ProposalError
from ingestion.workbench.tables import Wishes, drafted, is_foreign, text_of_file
from ingestion.workbench.tables.cells import (
    Form,
    Place,
    Scale,
    form_of,
    place_of,
    scale_of,
    unit_of,
)
from ingestion.workbench.tables.meanings import meaning_of
from meters.definition import read_definition

# Made by hand, in the forms that makers print.
BYTES = """Acme W1, little endian;;;;;
Byte;Name;Type;Scale;Unit;Description
0;Header;uint8;;;
1-4;Time;uint32;;s;
5-8;Water volume;uint32;0.001;m³;
9-10;Battery voltage;uint16;1;mV;
11.0;Low battery;;;;
11.1;Leak;;;;
11 bits 2-3;Mode;;;;
12;Temperature;int8;;°C;
14-15;Flow;int16;/10;L/h;
16;=HYPERLINK("http://x");u8;;;
17;Odd;frob;;;
"""
CHANNELS = """| Item | Channel | Type | Byte | Description |
|---|---|---|---|---|
| Version | ff | 09 | 2 | Example: 03 10 = V3.1 |
| Battery | 01 | 75 | 1 | UINT8, Unit: % |
| Temperature | 03 | 67 | 2 | INT16/10, Unit: °C |
| Humidity | 04 | 68 (Humidity) | 1 | UINT8, Unit: %RH, Resolution: 0.5 %RH |
| Alarm | 83 | 67 | 3 | Byte 1-2: Temperature, Byte 3: status |
| Again | 03 | 67 | 1 | UINT8 |
"""
LPP = """Type\tIPSO\tLPP\tHex\tData Size\tData Resolution per bit
Analog Input\t3202\t2\t2\t2\t0.01 Signed
Temperature\t3303\t103\t67\t2\t0.1 °C Signed MSB
"""
ACROSS = "Size(bytes),2,4,1\nValue,Battery (mV),Total pulse,Flags\n"
REGISTERS = """Register,Parameter,Data type,Unit,Scale
30001,Voltage L1,Float32,V,
30073,Import active energy,float,kWh,
30343,Energy T1,uint32,kWh,0.01
30400,Reserved,uint16,,
30500,Name,string,,
"""
PATHS = """path,name,unit
$.energy.total,Energy,kWh
$['em1:0'].voltage,Voltage,V
a[*].b,Odd,W
"""
MODBUS = {
    "master": {
        "slaves": [
            {
                "deviceName": "Meter 7",
                "wordOrder": "LITTLE",
                "attributes": [],
                "timeseries": [
                    {"tag": "Voltage (V)", "type": "16uint", "functionCode": 4, "address": 0,
                     "objectsCount": 1, "divider": 10},
                    {"tag": "total_kwh", "type": "32uint", "functionCode": 4, "address": 2,
                     "objectsCount": 2, "divider": 100},
                    {"tag": "relay", "type": "bits", "functionCode": 5, "address": 1},
                    {"tag": "small", "type": "8int", "functionCode": 4, "address": 9},
                ],
            }
        ]
    }
}  # fmt: skip
MQTT = {
    "broker": {"host": "127.0.0.1"},
    "dataMapping": [
        {
            "topicFilter": "meters/+/data",
            "converter": {
                "type": "json",
                "deviceInfo": {"deviceNameExpression": "(?<=meters/)(.*?)(?=/data)"},
                "timeseries": [
                    {"type": "double", "key": "water_m3", "value": "${sensor.total}"},
                    {"type": "string", "key": "both", "value": "${a} ${b}"},
                ],
            },
        }
    ],
}
LWM2M = {
    "name": "Water NB",
    "transportType": "LWM2M",
    "profileData": {
        "transportConfiguration": {
            "type": "LWM2M",
            "observeAttr": {
                "keyName": {"/3424_1.0/0/1": "volume", "/3/0/9": "battery", "/3/0/2": "serial"},
                "telemetry": ["/3424_1.0/0/1", "/3/0/9"],
            },
        }
    },
}


def _made(text: str, **wishes: str) -> str:
    return drafted(text, Wishes(**wishes)).text


def _decoded(text: str, octets: str | bytes, **arrival: Any) -> Decoded:
    compiled = compile_type(read_definition(text, name="draft"))
    payload = bytes.fromhex(octets) if isinstance(octets, str) else octets
    return compiled.decode(payload, context=Arrival(memory={}, **arrival))


def _values(decoded: Decoded) -> dict[str, Any]:
    return {item.name: item.value for item in decoded.telegram.items}


def _readings(decoded: Decoded) -> dict[str, Decimal]:
    return {one.reading_type: Decimal(one.said) for one in decoded.readings}


def _lost(text: str, **wishes: str) -> dict[int, str]:
    return {note.line: note.text for note in drafted(text, Wishes(**wishes)).notes if note.lost}


def test_a_table_of_bytes_decodes_what_it_describes() -> None:
    decoded = _decoded(_made(BYTES), "21 00f15365 e8030000 100e 06 ec 00 2c01")
    assert _readings(decoded) == {
        "cold_water.volume.register": Decimal("1"),
        "device.battery.voltage": Decimal("3600"),
        "device.temperature": Decimal("-20"),
        "cold_water.flow": Decimal("30"),
    }
    assert _values(decoded)["mode"] == 1
    assert [event.name for event in decoded.events] == ["leak"]
    assert decoded.readings[0].at is not None


def test_lines_that_are_not_understood_have_their_number_and_why() -> None:
    lost = _lost(BYTES)
    assert set(lost) == {12, 13}
    assert "formula of a spreadsheet" in lost[12]
    assert "“frob”" in lost[13]
    text = _made(BYTES)
    assert "# Line 13: the type “frob” is not known\n" in text
    assert "HYPERLINK" not in text


def test_channels_and_types_become_tags() -> None:
    decoded = _decoded(_made(CHANNELS), "017564 03671001 046871")
    assert _values(decoded) == {
        "battery": 100,
        "temperature": Decimal("27.2"),
        "humidity": Decimal("56.5"),
    }
    assert _readings(decoded)["device.battery.level"] == 100
    assert "stand on line 5 already" in _lost(CHANNELS)[8]


def test_a_column_of_types_on_the_wire_beside_that_of_numbers() -> None:
    text = "Channel,Type,Name,Data type,Scale,Unit\n01,00,Level,uint16,0.1,%\n"
    assert _values(_decoded(_made(text, endian="big"), "0100 00fa")) == {"level": Decimal("25.0")}


def test_bits_that_two_rows_want_go_to_the_first() -> None:
    text = "Byte,Name\n0.0,Leak\n0.1-3,Mode\n0.3,Odd\n"
    assert _lost(text) == {4: "its bits are taken by another row"}
    assert _values(_decoded(_made(text), "0b")) == {"leak": True, "mode": 5}


def test_hostile_tables_cost_little_and_end_in_words() -> None:
    """Regular expressions that go back and forth would not come to an end here."""
    blank = "Byte  Name  Type\n" + (" " * 130 + "\n") * 1_900
    brackets = "Byte;Name;Type;Description\n" + ("0;a;u8;" + "(bit 1:" * 80 + "\n") * 300
    same = "Byte,Name\n" + "".join(f"4.{at % 8},leak {at}\n" for at in range(1_900))
    with pytest.raises(ProposalError):
        _made(blank)
    for text in (brackets, same):
        compile_type(read_definition(_made(text), name="draft"))


def test_bits_that_a_description_lists_are_values_and_events() -> None:
    text = "Offset|Field|Format|Description\n0|Status|bitfield|bit0: low battery, bit2: leak\n1|Level|u8|\n"
    decoded = _decoded(_made(text), "05 07")
    assert _values(decoded) == {"status": 5, "low_battery": True, "leak": True, "level": 7}
    assert sorted(str(event.name) for event in decoded.events) == ["battery_low", "leak"]


def test_a_value_of_no_size_ends_where_the_next_begins() -> None:
    text = "Offset,Name,Unit\n0,Level,%\n1,Water volume,L\n5,Odd,\n"
    assert _values(_decoded(_made(text), "07 000003e8")) == {"level": 7, "water_volume": 1000}
    assert set(_lost(text)) == {4}


def test_what_is_delivered_may_be_either_way() -> None:
    text = _made(
        "Register;Type;Units;Description\n1;INT64;Wh;Energy delivered into load, all phases\n"
    )
    assert "\nreadings:" not in text
    assert "may be: electricity.active.import.register, electricity.active.export.register" in text


def test_numbers_at_addresses_of_single_bits_are_numbers() -> None:
    text = _made("Adresse;Format;Bezeichnung;Einheit\n19000;float;Spannung L1;V\n")
    assert "{name: spannung_l1, address: 19000, type: f32, unit: V}" in text
    assert "base: 0" in text


def test_a_step_behind_the_sign_is_a_scale() -> None:
    text = _made('Channel,Type,Size,Description\n06,67,2,"Temperature, signed 0.1 °C"\n')
    assert _values(_decoded(text, "0667 f6ff")) == {"temperature": Decimal("-1.0")}


def test_types_without_channels_are_read_on_any() -> None:
    decoded = _decoded(_made(LPP), "0167ffd7 070200fa")
    assert _values(decoded) == {"temperature": Decimal("-4.1"), "analog_input": Decimal("2.5")}


def test_a_table_may_run_from_left_to_right() -> None:
    values = _values(_decoded(_made(ACROSS), "0e10 000003e8 01"))
    assert values == {"battery": 3600, "total_pulse": 1000, "flags": 1}


def test_pulses_are_a_reading_once_it_is_said_what_they_count() -> None:
    text = _made(ACROSS, resource="gas")
    decoded = _decoded(text, "0e10 000003e8 01", config={"pulse_weight": 10, "pulse_unit": "L"})
    assert _readings(decoded)["gas.volume.register"] == 10_000
    assert "counts pulses" in _made(ACROSS)


def test_registers_become_a_map() -> None:
    text = _made(REGISTERS)
    assert "base: 30001" in text and "function: 4" in text
    compile_type(read_definition(text, name="draft"))
    assert "{register: energy, reading_type: electricity.active.import.register, value: " in text
    assert ", tariff: 1}" in text
    assert _lost(REGISTERS) == {5: "it is reserved", 6: "it is not said how many bytes it takes"}


def test_paths_become_fields_of_a_document() -> None:
    text = _made(PATHS)
    decoded = _decoded(text, b'{"energy":{"total":12.5},"em1:0":{"voltage":230}}')
    assert _readings(decoded)["electricity.active.import.register"] == Decimal("12.5")
    assert _readings(decoded)["electricity.voltage.l1"] == 230
    assert "no path" in _lost(PATHS)[4]


def test_a_modbus_connector_of_thingsboard() -> None:
    text = json.dumps(MODBUS, indent=1)
    made = _made(text)
    frame = "0001 0000 000b 01 04 08 08fc 0000 3039 0000"
    decoded = _decoded(made, frame)
    assert _readings(decoded) == {
        "electricity.voltage.l1": Decimal("230"),
        "electricity.active.import.register": Decimal("123.45"),
    }
    lost = " ".join(_lost(text).values())
    assert "“relay”: its function writes" in lost
    assert "“small”: the type “8int” is not known" in lost
    line = next(at for at, row in enumerate(text.splitlines(), 1) if '"small"' in row)
    assert line in _lost(text)


def test_a_mqtt_connector_of_thingsboard() -> None:
    text = json.dumps(MQTT, indent=1)
    made = _made(text)
    assert "topic: 'meters/{device}/data'" in made
    decoded = _decoded(made, b'{"sensor":{"total":7.25}}', topic="meters/A1/data")
    assert _readings(decoded) == {"cold_water.volume.register": Decimal("7.25")}
    assert decoded.identity is not None and decoded.identity.value == "A1"
    assert "“both”: “${a} ${b}” is not one value" in " ".join(_lost(text).values())


def test_a_profile_of_lwm2m_devices() -> None:
    made = _made(json.dumps(LWM2M))
    pack = b'[{"bn":"urn:dev:imei:352656100123456:/","n":"3424/0/1","u":"m3","v":1.5}]'
    decoded = _decoded(made, pack, received_at=datetime(2024, 1, 1, tzinfo=UTC))
    assert _readings(decoded) == {"cold_water.volume.register": Decimal("1.5")}
    assert "model: 'Water NB'" in made


@pytest.mark.parametrize(
    "text",
    [
        "function Decode(fPort, bytes) {\n  return {a: bytes[0]};\n}",
        "const x = 1;\nmodule.exports = { decode: (b) => { return b } }",
        "def decode(payload):\n    return payload[0]\n",
        "uplinkDecoder:\n  fileName: codec.js\n",
        json.dumps({"name": "x", "type": "UPLINK", "configuration": {"tbelDecoder": "return 1;"}}),
    ],
)
def test_programs_are_refused_with_what_to_do(text: str) -> None:
    assert is_foreign(text)
    with pytest.raises(ProposalError, match=r"is a program.*paste a telegram"):
        _made(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "No row with headings"),
        ("a,b\n1,2\n", "No row with headings"),
        ("Byte,Name,Type\n0,=cmd|' /C calc'!A0,u8\n", "No line of the table.*formula"),
        ("Byte,Name\n" + "0,x\n" * 2_001, "2000 are allowed"),
        ("Byte,Name\n\x00\x01,x\n", "no text"),
        ("x" * 262_145, "larger than 256 kB"),
        ('Byte,Name\n0,"' + "x" * 140_000 + '"\n', "can't be read"),
        ("{" * 50_000, "No row with headings"),
        ('{"a":' * 900 + "1" + "}" * 900, "none of the mappings"),
        ('{"a": 1}', "none of the mappings"),
        (json.dumps({"transportType": "SNMP", "transportConfiguration": {"type": "SNMP"}}), "SNMP"),
        (json.dumps({"mapping": [{"converter": {"type": "bytes"}}]}), "programs or read bare bytes"),
        (json.dumps({"slaves": [{"timeseries": [{"tag": 1, "type": [], "address": {}}]}]}), "No line"),
    ],
    ids=lambda value: repr(value)[:24],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ProposalError, match=why):
        _made(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type: x\nversion: 1\n", False),
        ("# note\nname: probe\nfields:\n  - {name: a, type: u8}\n", False),
        ('{"fields": []}', False),
        ("a: [", False),
        ("{broken", False),
        (BYTES, True),
        (CHANNELS, True),
        (json.dumps(MODBUS), True),
        ("Device: Acme\nByte;Name\n0;x\n", True),
    ],
)
def test_definitions_are_told_from_tables(text: str, expected: bool) -> None:
    assert is_foreign(text) is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfByte;Name\n", "Byte;Name\n"),
        ("Byte;Об'єм\n".encode("utf-16"), "Byte;Об'єм\n"),
        ("Байт;Назва\n".encode("cp1251"), "Байт;Назва\n"),
        ("0;Temp;°C\n".encode("cp1252"), "0;Temp;°C\n"),
    ],
)
def test_files_of_spreadsheets_are_read_as_they_were_saved(content: bytes, expected: str) -> None:
    assert text_of_file(content) == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"PK\x03\x04\x00", "workbook"), (b"%PDF-1.7\n\xff", "PDF"), (b"\xff\x00\n\x01", "no text")],
)
def test_other_files_are_named(content: bytes, why: str) -> None:
    with pytest.raises(ProposalError, match=why):
        text_of_file(content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", Place(0)), ("Byte 3", Place(3)), ("0-3", Place(0, 3)), ("2..5", Place(2, 5)),
        ("0x0A–0x0B", Place(10, 11)), ("1, 2, 3", Place(1, 3)), ("4.3", Place(4, None, 3, 3)),
        ("4[3:5]", Place(4, None, 3, 5)), ("4 bit 7", Place(4, None, 7, 7)), ("5-n", Place(5, -1)),
        ("6+", Place(6, -1)), ("abc", None), ("", None), ("99999", None),
    ],
)  # fmt: skip
def test_places(text: str, expected: Place | None) -> None:
    assert place_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uint16", Form("u", 2)), ("INT32", Form("s", 4)), ("int16_t", Form("s", 2)),
        ("16uint", Form("u", 2)), ("unsigned 24 bit", Form("u", 3)), ("Float", Form("f", 4)),
        ("double", Form("f", 8)), ("u8[4]", Form("u", 1, 4)), ("char[8]", Form("ascii", 8)),
        ("32-bit float", Form("f", 4)), ("signed", Form("", signed=True)), ("frob", None),
        ("UNIX timestamp", Form("time", 4)), ("BCD", Form("bcd")), ("reserved", Form("skip")),
    ],
)  # fmt: skip
def test_forms(text: str, expected: Form | None) -> None:
    assert form_of(text) == expected


def _scale(mult: str = "1", div: str = "1", add: str = "0", unit: str = "") -> Scale:
    return Scale(Decimal(mult), Decimal(div), Decimal(add), unit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", _scale("0.1")), ("0,001", _scale("0.001")), ("/10", _scale(div="10")),
        ("x0.01", _scale("0.01")), ("1/100", _scale(div="100")), ("10^-3", _scale("0.001")),
        ("10⁻³", _scale("0.001")), ("raw*0.1-40", _scale("0.1", add="-40")), ("-", _scale()),
        ("0.1 °C", _scale("0.1", unit="°C")), ("0.5 % Unsigned", _scale("0.5", unit="%")),
        ("0.001 kWh", _scale("0.001", unit="kWh")), ("0", None), ("about a tenth", None),
    ],
)  # fmt: skip
def test_scales(text: str, expected: Scale | None) -> None:
    assert scale_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("KWH", "kWh"), ("m^3", "m3"), ("[°C]", "°C"), ("mV", "mV"), ("MW", "MW"), ("furlong", "")],
)
def test_units(text: str, expected: str) -> None:
    assert unit_of(text) == expected


@pytest.mark.parametrize(
    ("name", "unit", "resource", "expected"),
    [
        ("Energy", "kWh", "electricity", "electricity.active.import.register"),
        ("Energy", "kWh", "", None),
        ("Heat energy", "kWh", "", "heat.energy.register"),
        ("Energy", "GJ", "", "heat.energy.register"),
        ("Returned energy", "kWh", "", "electricity.active.export.register"),
        ("Max power", "W", "electricity", None),
        ("Power L2", "W", "electricity", None),
        ("Voltage L2", "V", "", "electricity.voltage.l2"),
        ("Voltage L1-L2", "V", "electricity", None),
        ("Volume", "m3", "", None),
        ("Volume last month", "m3", "gas", None),
        ("Hot water volume", "L", "", "hot_water.volume.register"),
    ],
)
def test_only_what_can_be_one_thing_is_a_reading(
    name: str, unit: str, resource: str, expected: str | None
) -> None:
    meaning = meaning_of(name, unit, resource)
    assert meaning is not None
    assert (meaning.choices[0] if meaning.sure else None) == expected


_CELLS = st.one_of(
    st.sampled_from(
        ["0", "1-2", "3.4", "5-n", "4[0:3]", "", "u8", "uint32", "float", "bcd", "hex", "char[3]",
         "0.1", "/3", "x10", "1/7", "kWh", "m3", "°C", "V", "=1+1", "-", "Energy", "Volume L1",
         "Time", "Leak", "ff", "67 (x)", "$.a.b", "$['x y']", "40001", "30007", "2", "bit 3", "bool",
         "reserved", "value", "port", "Об'єм", "bit0: leak, bit1: low battery", "\u2028", "a: b # c"]
    ),
    st.text(max_size=12),
)  # fmt: skip
_HEADINGS = st.permutations(
    ["Byte", "Size", "Name", "Type", "Scale", "Unit", "Description", "Channel", "Register", "Path",
     "Bit", "Divider", "Offset", "Function", "Signed", "Hex"]
).map(lambda names: names[:6])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(heads=_HEADINGS, rows=st.lists(st.lists(_CELLS, min_size=6, max_size=6), max_size=8))
def test_any_table_is_refused_in_words_or_becomes_a_draft_without_faults(
    heads: list[str], rows: list[list[str]]
) -> None:
    lines = ["\t".join(heads), *("\t".join(" ".join(c.split()) for c in row) for row in rows)]
    try:
        made = _made("\n".join(lines))
    except ProposalError as error:
        assert str(error)
        return
    compile_type(read_definition(made, name="draft"))


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 70_000), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["master", "slaves", "timeseries", "attributes", "tag", "type", "address", "key",
                 "functionCode", "divider", "mapping", "converter", "value", "observeAttr",
                 "keyName", "telemetry", "transportConfiguration", "/3/0/9", "deviceInfo"]
            ),
            inner, max_size=5,
        ),
    ),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(root=_JSON)
def test_any_document_is_refused_in_words_or_becomes_a_draft(root: Any) -> None:
    try:
        made = _made(json.dumps(root))
    except ProposalError as error:
        assert str(error)
        return
    compile_type(read_definition(made, name="draft"))
