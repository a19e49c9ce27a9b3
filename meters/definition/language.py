"""The language of device types as one table: every part, its keys, what may stand there and why.

The strict check, the JSON Schema, the editor's completion and the reference page are all made from
it. Sentences of the table are English: they are the published reference.
"""

from __future__ import annotations

from typing import NamedTuple

from .shapes import (
    Anything,
    Either,
    Keyed,
    Listed,
    Number,
    Part,
    Shape,
    Text,
    Truth,
    Whole,
    Written,
    one_or_more,
)

__all__ = ["KINDS", "PARTS", "PART_DOCS", "RULES", "Key", "Rule", "keys_of"]


class Key(NamedTuple):
    """One key of a part; `doc` is one sentence for the person who writes it."""

    name: str
    shape: Shape
    doc: str
    required: bool = False


class Rule(NamedTuple):
    """How many of these keys a part has: from `least` to `most`."""

    keys: tuple[str, ...]
    least: int
    most: int


RESOURCES = ("electricity", "cold_water", "hot_water", "gas", "heat", "device")
TRANSPORTS = ("udp", "tcp", "mqtt", "http", "lorawan", "wmbus", "mbus", "modbus", "serial")
# Kind → whether its `decode` part has keys of its own, which the kind's codec checks.
KINDS: dict[str, bool] = {
    "binary": True,
    "mbus": False,
    "wmbus": False,
    "cosem": False,
    "obis_text": False,
    "nem": False,
    "json": True,
    "senml": False,
    "modbus": True,
}

REFERENCE = Text(r"\$[^\s\[\]]+(\[\]|\[-?\d{1,4}\])?(\.[^\s\[\]]+)?", "a reference such as $volume")
OPERAND = Either((Number(), REFERENCE))
DURATION = Text(r"[1-9]\d{0,6} ?(s|min|h|d)", "a duration such as 15min, 1h or 1d")
CODE = Text(r"[a-z0-9][a-z0-9_.-]{0,63}", "a code of small letters, digits, hyphens and dots")
REGISTER = Text(r"[a-z][a-z0-9_]{0,23}", "a name of small letters, digits and underscores")
READING_TYPE = Text(
    r"([a-z0-9_]+|\{resource\})(\.[a-z0-9_]+)+|\{counted\}",
    "the code of a reading type, such as cold_water.volume.register",
)
OBIS = Text(
    r"((\d{1,3}|\*)-(\d{1,3}|\*|n):)?(\w{1,3}|\*)\.(\w{1,3}|\*)(\.(\d{1,3}|\*|t))?(\*\d{1,3})?",
    "an OBIS code",
)
SENTENCE = Text(longest=2_000)
FACT = Either((Text(), Whole(), Truth(), Listed(Either((Text(), Whole())), least=1, most=64)))
MOMENT = Either((REFERENCE, Part("moment")))
PORT = Either((Whole(0, 65_535), REFERENCE, Text("n", "n, the sub-meter of the OBIS code")))
CONDITION = Part("condition")
SCALAR = Either((Text(longest=4_096), Number(), Truth()))

_WHEN = Key("when", CONDITION, "Only when this holds.")
_QUALITY = Key(
    "quality",
    Text(choices=("valid", "questionable", "estimated")),
    "Quality the values get; `valid` if left out.",
)
_PORT = Key(
    "port",
    PORT,
    "Port of the module that the meter is on: a number, a reference, or `n`, the sub-meter that "
    "the OBIS code tells. Left out: the module's own meter.",
)
_ARITHMETIC = (
    Key("mul", OPERAND, "The value is multiplied by this number or field."),
    Key("div", OPERAND, "The value is divided by this number or field; by zero gives no value."),
    Key("add", OPERAND, "This number or field is added, after `mul` and `div`."),
    Key(
        "pulse",
        Part("pulse"),
        "The value counts pulses: what one pulse is worth.",
    ),
)
_MATCHES = (
    Key(
        "match",
        Keyed(FACT, most=16),
        "The items whose facts are these (quantity, function, storage, tariff, obis, name …); a "
        "list allows each of its values, 2..33 a range, `any` all. Facts left out have their ordinary value: "
        "storage 0, tariff 0, subunit 0, no maximum and no minimum.",
    ),
    Key(
        "obis",
        OBIS,
        "The items of this OBIS code; `*` is any number, `n` the sub-meter, `t` the tariff.",
    ),
)
_REGISTER = (
    Key("register", REGISTER, "Name of the register, one of the meter.", required=True),
    Key(
        "reading_type",
        READING_TYPE,
        "Reading type of the catalogue. `{resource}` stands for the resource of the meter that is "
        "installed, `{counted}` for the register that this resource is counted in.",
        required=True,
    ),
    Key(
        "unit",
        Text(longest=16),
        "Unit of the value after the arithmetic. An item with a unit of the same dimension is "
        "converted to it first. Left out: the item's own unit.",
    ),
)
_TARIFF = Key(
    "tariff",
    Either((Whole(0, 99), Text("all", "all"), REFERENCE)),
    "Tariff register; `all` takes it from the facts of each item that matches. 0 is the total.",
)

PART_DOCS: dict[str, str] = {
    "definition": "The whole file.",
    "identify": "How the module is found that a telegram belongs to.",
    "detection": "What a meter says of itself in an M-Bus header; all keys given must agree.",
    "decode": "How bytes become items. The keys beside `kind` are those of the kind.",
    "clock": "The device's time in a telegram: what `at` is where a reading does not say its own.",
    "moment": "A time that is found by matching, or by what stands with the value.",
    "pulse": "What one pulse is worth.",
    "reading": "Values at an instant: registers, or what a sensor shows.",
    "series": "Values at even steps: amounts of intervals, registers or samples.",
    "condition": "What must hold. Several keys must hold together.",
    "event": "A fact the device tells.",
    "command": "Something that is sent to the device.",
    "parameter": "What the person who orders a command fills in.",
    "confirmation": "The answer that confirms a command.",
    "rejection": "A telegram to be refused although it could be decoded.",
    "test": "A telegram with what must come of it. A type needs one that is good, one that is bad.",
    "expected_reading": "A reading that must come.",
    "expected_series": "A series that must come.",
    "expected_event": "An event that must come.",
}

PARTS: dict[str, tuple[Key, ...]] = {
    "definition": (
        Key("type", CODE, "Code of the device type, unique in the company.", required=True),
        Key("version", Whole(1, 1_000_000), "Number of this state of the type.", required=True),
        Key("vendor", Text(longest=100), "Who makes the device.", required=True),
        Key("model", Text(longest=100), "The maker's name of it.", required=True),
        Key(
            "resource",
            one_or_more(Text(choices=RESOURCES), most=6),
            "What is measured; a list where the installed meter decides, the usual one first.",
            required=True,
        ),
        Key("role", Text(choices=("meter", "module", "both")), "What the device is."),
        Key("description", SENTENCE, "What a colleague should know."),
        Key("source", SENTENCE, "Where the facts come from: document, edition, address."),
        Key("clock", Either((REFERENCE, Part("clock"))), "The device's time in a telegram."),
        Key("identify", Part("identify"), "How the module is found."),
        Key("decode", Part("decode"), "How bytes become items.", required=True),
        Key("readings", Listed(Part("reading"), most=500), "Values at an instant."),
        Key("series", Listed(Part("series"), most=100), "Values at even steps."),
        Key("events", Listed(Part("event"), most=500), "Facts the device tells."),
        Key("commands", Listed(Part("command"), most=100), "What can be sent to it."),
        Key("reject", Listed(Part("rejection"), most=100), "What must be refused."),
        Key("tests", Listed(Part("test"), most=500), "Telegrams with what must come of them."),
    ),
    "identify": (
        Key("transport", one_or_more(Text(choices=TRANSPORTS)), "How telegrams come."),
        Key(
            "device",
            REFERENCE,
            "What tells the module: a field ($imei), $topic.device, $arrival.device (DevEUI or "
            "login that the transport vouches for), $arrival.source or $identity.id.",
        ),
        Key(
            "scheme",
            Text(choices=("imei", "dev_eui", "serial", "mac", "mbus", "topic", "source")),
            "What sort of number that is; by where it comes from if left out.",
        ),
        Key(
            "topic", Text(longest=200), "MQTT topic; {device} and other names in braces are parts."
        ),
        Key("ports", Listed(Whole(0, 65_535), least=1), "LoRaWAN or UDP ports it comes on."),
        Key("sequence", REFERENCE, "The counter of telegrams, by which a lost one is noticed."),
        Key("detect", Listed(Part("detection"), most=100), "What an M-Bus header says."),
    ),
    "detection": (
        Key("manufacturer", Text("[A-Z]{3}", "three capital letters"), "FLAG code of the maker."),
        Key("version", one_or_more(Whole(0, 255)), "Version byte, or a list of them."),
        Key("medium", one_or_more(Whole(0, 255)), "Medium byte (device type), or a list."),
    ),
    "decode": (
        Key("kind", Text(choices=tuple(KINDS)), "The codec that reads the bytes.", required=True),
    ),
    "clock": (
        Key("at", REFERENCE, "The field with the time."),
        *_MATCHES,
        Key("zone", Text(longest=64), "IANA zone of the device's clock, such as Europe/Berlin."),
    ),
    "moment": (
        Key("field", REFERENCE, "The field with the time."),
        Key(
            "match",
            Keyed(FACT, most=16),
            "The item with the time, by its facts; `same` as value: the fact of the value's item.",
        ),
        Key("obis", OBIS, "The item with the time, by its OBIS code."),
        Key("fact", Text(longest=64), "The fact of the value's item that is its time."),
        Key("end_of_day", Truth(), "A date means the end of that day, as due dates of M-Bus do."),
    ),
    "pulse": (
        Key(
            "weight",
            OPERAND,
            "Units a pulse; $config.… where the installation says.",
            required=True,
        ),
        Key("unit", Either((REFERENCE, Text(longest=16))), "Unit of the weight.", required=True),
    ),
    "reading": (
        *_REGISTER,
        Key("value", OPERAND, "The field with the value."),
        *_MATCHES,
        Key("formula", SENTENCE, "Arithmetic on fields: $pulses * $weight / 1000."),
        Key("each", REFERENCE, "A repeated group: $.x in this part is x of each of it."),
        Key("at", MOMENT, "When the value was so; the telegram's time if left out."),
        *_ARITHMETIC,
        _TARIFF,
        Key(
            "spread",
            Text(choices=("phase", "port", "sum")),
            "What the values of a list are: one a phase, one a port of the module, or parts of a "
            "sum.",
        ),
        _PORT,
        _QUALITY,
        _WHEN,
        Key("interval", Whole(1, 1_440), "Minutes between values in the archive; 60 if left out."),
    ),
    "series": (
        *_REGISTER,
        Key("deltas", REFERENCE, "List of amounts, one an interval."),
        Key("registers", REFERENCE, "List of values at the steps: registers, or samples."),
        Key(
            "match",
            Keyed(FACT, most=16),
            "The items whose facts are these: each is a list of its own, of amounts or of values as "
            "the reading type says, with its own time where `at` is a fact.",
        ),
        Key("base", REFERENCE, "The register at `at`."),
        Key(
            "cumulative",
            Truth(),
            "The amounts are added to the base: the register at each step is stored, and amounts "
            "follow from it. For series that do not tell every amount.",
        ),
        Key("at", MOMENT, "The time the steps are counted from; the telegram's if left out."),
        Key("floor", DURATION, "`at` is set back to the last full hour, day …: 1h, 1d."),
        Key(
            "before",
            Either((DURATION, REFERENCE)),
            "The steps are counted from so long before `at`; a field: seconds.",
        ),
        Key(
            "step",
            Either((DURATION, REFERENCE)),
            "Length of an interval; a field: seconds; $fact.x: a fact of the item that matches.",
            required=True,
        ),
        Key(
            "direction",
            Text(choices=("forward", "backward")),
            "`forward`: the steps begin at `at`; `backward`: they end at it. forward if left out.",
        ),
        Key(
            "order",
            Text(choices=("oldest_first", "newest_first")),
            "How the list stands; by the direction if left out: away from `at`.",
        ),
        Key("missing", one_or_more(Whole()), "Numbers that mean that there is no value."),
        Key(
            "interval",
            Whole(1, 1_440),
            "Minutes between values in the archive; the step if left out, 60 where that is a field.",
        ),
        *_ARITHMETIC,
        _TARIFF,
        _PORT,
        _QUALITY,
        _WHEN,
    ),
    "condition": (
        Key("field", REFERENCE, "The field that is looked at."),
        *_MATCHES,
        Key("value", one_or_more(SCALAR), "It is this, or one of these (after `mask`)."),
        Key("mask", Whole(1, 2**64 - 1), "Bits that count; alone: any of them is set."),
        Key("bit", Whole(0, 63), "This bit is set; 0 is the lowest."),
        Key("above", OPERAND, "It is greater."),
        Key("below", OPERAND, "It is less."),
        Key("after", REFERENCE, "It is a later time than this field."),
        Key("before", REFERENCE, "It is an earlier time than this field."),
        Key("present", Truth(), "It is there, or it is not."),
        Key("all", Listed(CONDITION, least=1, most=50), "All of these hold."),
        Key("any", Listed(CONDITION, least=1, most=50), "One of these holds."),
        Key("not", CONDITION, "This does not hold."),
    ),
    "event": (
        Key("code", Either((Text(longest=64), Whole(32_768, 65_535))), "What happened."),
        _WHEN,
        Key("field", REFERENCE, "The field that `bits` or `values` read."),
        *_MATCHES,
        Key("bits", Keyed(Either((Text(longest=64), Whole(32_768, 65_535)))), "Bit → event code."),
        Key(
            "values",
            Keyed(Either((Text(longest=64), Whole(32_768, 65_535)))),
            "Value (after `mask`) → event code.",
        ),
        Key("mask", Whole(1, 2**64 - 1), "Bits of the field that `values` look at."),
        Key("each", REFERENCE, "A repeated group: $.x in this part is x of each of it."),
        Key(
            "severity",
            Text(choices=("notice", "warning", "critical")),
            "How soon somebody should look; by the code if left out.",
        ),
        Key("at", MOMENT, "When it happened; the telegram's time if left out."),
        Key("detail", OPERAND, "A whole number kept with it."),
        _PORT,
    ),
    "command": (
        Key("code", CODE, "Code of the command, one of the type.", required=True),
        Key("title", Text(longest=100), "What a person reads on the button."),
        Key("description", SENTENCE, "What it does."),
        Key("parameters", Keyed(Part("parameter"), most=32), "What has to be filled in."),
        Key("payload", SENTENCE, "Bytes in hex with parameters in braces: 01 {minutes:u16le}."),
        Key("text", SENTENCE, "Text with parameters in braces, as JSON over MQTT has it."),
        Key("port", Whole(0, 65_535), "LoRaWAN port it goes to."),
        Key("topic", Text(longest=200), "MQTT topic it goes to."),
        Key("confirm", Part("confirmation"), "The answer that confirms it."),
    ),
    "parameter": (
        Key(
            "type",
            Text(choices=("whole", "decimal", "choice", "word")),
            "What is filled in.",
            required=True,
        ),
        Key("least", Number(), "The least value allowed."),
        Key("most", Number(), "The greatest value allowed."),
        Key("choices", Keyed(Either((Whole(), Text(longest=64)))), "Name shown → what is sent."),
        Key("mul", Number(), "What is filled in is multiplied by this before it is sent."),
        Key("default", SCALAR, "What stands there at first."),
        Key("unit", Text(longest=16), "Unit shown."),
        Key("doc", SENTENCE, "What it means."),
    ),
    "confirmation": (
        Key("when", CONDITION, "What holds of the telegram that answers.", required=True),
        Key("within", DURATION, "How long to wait; then the command is unconfirmed."),
    ),
    "rejection": (
        Key("when", CONDITION, "What makes it unfit.", required=True),
        Key("why", SENTENCE, "The reason that people read.", required=True),
    ),
    "test": (
        Key("name", Text(longest=200), "What it shows."),
        Key("source", SENTENCE, "Where the telegram is published."),
        Key(
            "payload",
            one_or_more(Written(longest=65_536)),
            "The telegram; a list: several in the order they came, what is expected is of the last.",
            required=True,
        ),
        Key(
            "encoding",
            Text(choices=("hex", "base64", "text")),
            "How it is written: text for JSON, SenML, OBIS text and NEM, else hex, if left out.",
        ),
        Key("transport", Text(choices=TRANSPORTS), "How it came."),
        Key("port", Whole(0, 65_535), "Port it came on."),
        Key("topic", Text(longest=200), "Topic it came on."),
        Key("address", Text(longest=100), "Address it came from."),
        Key("device", Text(longest=100), "Device that the transport vouches for."),
        Key("received_at", Text(longest=40), "When it came, ISO 8601 with zone."),
        Key(
            "config",
            Keyed(Anything()),
            "What the installation says: zone, pulse_weight and others.",
        ),
        Key("key", Written(r"[0-9A-Fa-f ]{32,}", "a key in hex"), "Key it is encrypted with."),
        Key(
            "authentication_key",
            Written(r"[0-9A-Fa-f ]{32,}", "a key in hex"),
            "Key that authenticates it (DLMS).",
        ),
        Key("expect", Keyed(Anything()), "Item or $reference → its value; others may be there."),
        Key("readings", Listed(Part("expected_reading")), "All readings that come."),
        Key("series", Listed(Part("expected_series")), "All series that come."),
        Key("events", Listed(Either((Text(), Whole(), Part("expected_event")))), "All events."),
        Key("identity", Text(longest=100), "The module that it is of."),
        Key("refused", SENTENCE, "It must be refused; this stands in the reason."),
    ),
    "expected_reading": (
        Key("register", CODE, "Its register, with or without tariff and phase.", required=True),
        Key("value", Number(), "Its value, exact.", required=True),
        Key("unit", Text(longest=16), "Unit of this value; that of the reading type if left out."),
        Key("tariff", Whole(0, 99), "Its tariff."),
        Key("port", Whole(0, 65_535), "Its port."),
        Key("at", Text(longest=40), "Its time, ISO 8601."),
    ),
    "expected_series": (
        Key("register", CODE, "Its register, with or without tariff and phase.", required=True),
        Key(
            "values",
            Listed(Either((Number(), Anything()))),
            "Its values, oldest first.",
            required=True,
        ),
        Key("unit", Text(longest=16), "Unit of these; that of the reading type if left out."),
        Key("base", Number(), "The register before the first interval."),
        Key("at", Text(longest=40), "Time of its beginning, ISO 8601."),
        Key("step", DURATION, "Length of an interval."),
        Key("tariff", Whole(0, 99), "Its tariff."),
        Key("port", Whole(0, 65_535), "Its port."),
    ),
    "expected_event": (
        Key("code", Either((Text(), Whole())), "Its code.", required=True),
        Key("at", Text(longest=40), "Its time, ISO 8601."),
        Key("detail", Whole(), "Its detail."),
        Key("severity", Text(choices=("notice", "warning", "critical")), "Its severity."),
    ),
}

_SUBJECT = ("field", "match", "obis")
RULES: dict[str, tuple[Rule, ...]] = {
    "detection": (Rule(("manufacturer", "version", "medium"), 1, 3),),
    "clock": (Rule(("at", "match", "obis"), 1, 1),),
    "moment": (Rule(("field", "match", "obis", "fact"), 1, 1),),
    "reading": (Rule(("value", "match", "obis", "formula"), 1, 1),),
    "series": (Rule(("deltas", "registers", "match"), 1, 1),),
    "condition": (
        Rule((*_SUBJECT, "all", "any", "not"), 1, 1),
        Rule(("bit", "value", "present"), 0, 1),
        Rule(("bit", "mask"), 0, 1),
    ),
    "event": (
        Rule(("code", "bits", "values"), 1, 1),
        Rule(("when", *_SUBJECT), 1, 1),
    ),
    "command": (Rule(("payload", "text"), 1, 1),),
    "test": (
        Rule(("refused", "expect"), 0, 1),
        Rule(("refused", "expect", "readings", "series", "events", "identity"), 1, 6),
    ),
}


def keys_of(part: str) -> dict[str, Key]:
    """The keys of a part by name."""
    return {key.name: key for key in PARTS[part]}
