"""Words for the pieces of a frame: what a piece is called, what it says, and how its value reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ingestion.codecs.universal_explain import HEADER, REST, SEALED, TAG, Part, Section
from ingestion.codecs.universal_frame import Direction, Key, device_label
from ingestion.codecs.universal_messages import EventCode, IntervalProfile, ResultStatus

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from django.utils.functional import _StrPromise

__all__ = ["PIECES", "SECTIONS", "PartShown", "SectionShown", "sections_shown"]


class Word(NamedTuple):
    """label, explanation, and how the value is read: see `_READINGS`."""

    label: str | _StrPromise
    meaning: str | _StrPromise
    form: str = "number"


SECTIONS: dict[str, str | _StrPromise] = {
    HEADER: _("Header"),
    SEALED: _("Sealed, not opened"),
    TAG: _("Authentication tag"),
    REST: _("Not understood"),
    "profile": _("Interval profile"),
    "registers": _("Register readings"),
    "events": _("Events"),
    "hello": _("Hello"),
    "result": _("Result of a request"),
    "archive": _("Interval profile from the device's archive"),
    "status": _("State of the module"),
    "extension": _("Extension"),
}

PIECES: dict[str, Word] = {
    "the first byte": Word(_("first byte"), _("Version, direction and key in one byte."), "hex"),
    "the version": Word(_("version"), _("Of the protocol.")),
    "the direction": Word(_("direction"), _("Who sent the frame."), "direction"),
    "the key selector": Word(_("key"), _("Which of the module's keys seals the frame."), "key"),
    "the reserved bits": Word(_("reserved"), _("Always 0.")),
    "the device id": Word(
        _("device"), _("Maker's three letters and the number printed on it."), "device"
    ),
    "the frame counter": Word(
        _("frame counter"), _("Grows with each frame: an old one can't be sent again.")
    ),
    "the sealed bytes": Word(_("sealed bytes"), _("Only the module's key opens them."), "bytes"),
    "the tag": Word(
        _("tag"), _("AES-128-GCM proof over header and contents: nobody changed a bit."), "bytes"
    ),
    "the rest": Word(_("rest"), _("What stands behind the fault."), "bytes"),
    "the kind": Word(_("kind and flags"), _("Which message begins, and in which form."), "hex"),
    "the flags": Word(_("flags"), _("What the message leaves out or adds."), "bits"),
    "the message kind": Word(_("kind"), _("Number of the kind of message.")),
    "port and register": Word(
        _("port and register"), _("Where the meter hangs, and which of its counters."), "hex"
    ),
    "the port": Word(_("port"), _("Where the meter hangs on the module.")),
    "the register": Word(_("register"), _("Which of the meter's counters.")),
    "the register number": Word(_("register"), _("Which of the meter's counters.")),
    "the request id": Word(_("request"), _("The request of the server that this answers.")),
    "the base time": Word(_("base time"), _("Start of the first interval."), "time"),
    "interval and width": Word(
        _("interval and width"), _("Length of an interval, and bits for one increment."), "hex"
    ),
    "the interval": Word(_("interval"), _("Length of one interval."), "minutes"),
    "the width of an increment": Word(_("width"), _("Bits that each increment takes."), "bit"),
    "the count of values": Word(_("values"), _("How many intervals follow one another.")),
    "the options byte": Word(
        _("options"), _("Quality of all values; highest bit: negative ones occur."), "bits"
    ),
    "the opening register": Word(
        _("opening register"), _("What the counter showed at the base time.")
    ),
    "the missing bitmap": Word(
        _("missing values"), _("A bit an interval, 1 where nothing was measured."), "bytes"
    ),
    "the increments": Word(
        _("increments"), _("What the counter moved in each interval, packed bit by bit."), "bytes"
    ),
    "the time": Word(_("time"), _("By the module's clock."), "time"),
    "the count of registers": Word(_("registers"), _("How many readings follow.")),
    "the quality byte": Word(_("quality"), _("What the device says about the readings."), "bits"),
    "a register": Word(_("reading"), _("What the counter showed.")),
    "the count of events": Word(_("events"), _("How many events follow.")),
    "the time of an event": Word(_("time"), _("By the module's clock."), "time"),
    "the port of an event": Word(_("port"), _("The highest number is the module itself.")),
    "the code of an event": Word(_("event"), _("What happened."), "event"),
    "the detail of an event": Word(_("detail"), _("The event's own number.")),
    "the module's clock": Word(_("clock"), _("What the module takes for the time."), "time"),
    "the uptime": Word(_("uptime"), _("Since its last start."), "seconds"),
    "the firmware version": Word(_("firmware"), _("Major, minor, patch."), "version"),
    "the battery voltage": Word(_("battery"), _("0 stands for mains."), "millivolts"),
    "the battery level": Word(_("battery level"), _("255 stands for not known."), "percent"),
    "the signal": Word(_("signal"), _("127 stands for not known."), "dbm"),
    "the temperature": Word(_("temperature"), _("−128 stands for not known."), "celsius"),
    "the capabilities": Word(_("capabilities"), _("What the module can do."), "bits"),
    "the configuration version": Word(_("configuration"), _("Version of its reporting schedule.")),
    "the claim nonce": Word(_("claim nonce"), _("Ties the answer to this claim."), "bytes"),
    "the status": Word(_("status"), _("What became of the request."), "result"),
    "the length of the payload": Word(_("length"), _("Bytes that follow.")),
    "the payload": Word(_("contents"), _("What the request brought."), "bytes"),
    "the type": Word(_("type"), _("Which extension.")),
    "the length of the extension": Word(_("length"), _("Bytes that follow.")),
    "the extension": Word(_("contents"), _("In the maker's own form."), "bytes"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartShown:
    """A piece in words. bytes: its places in the frame; bits: numbers inside it, in words too."""

    place: str
    first: int
    hex: str
    label: str
    meaning: str
    value: str
    bits: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionShown:
    """A section in words. look: which colour it has; cells: each byte with the part it is of."""

    title: str
    look: int
    span: str
    parts: list[PartShown]
    cells: list[tuple[int, str, str, int]]
    values: list[tuple[str, str, bool]]
    error: str


def sections_shown(
    frame: bytes, opened: bytes, sections: list[Section], zone: ZoneInfo, wanted: int | None
) -> list[SectionShown]:
    """opened: header, plaintext (or sealed bytes) and tag. wanted: Unix second of a value to mark."""
    return [
        _section(number, frame, opened, section, zone, wanted)
        for number, section in enumerate(sections)
    ]


def _section(
    number: int,
    frame: bytes,
    opened: bytes,
    section: Section,
    zone: ZoneInfo,
    wanted: int | None,
) -> SectionShown:
    return SectionShown(
        title=str(SECTIONS[section.kind]),
        look=number % 6,
        span=_span(section.start, section.end),
        parts=[_part(part, opened, zone) for part in section.parts],
        cells=[
            (place, f"{opened[place]:02x}", f"{frame[place]:02x}", part.start)
            for part in section.parts
            for place in range(part.start, part.end)
        ],
        values=_values(section.message, zone, wanted),
        error=section.error,
    )


def _span(start: int, end: int) -> str:
    return str(start) if end == start + 1 else f"{start}–{end - 1}"


def _part(part: Part, opened: bytes, zone: ZoneInfo) -> PartShown:
    word = PIECES[part.name]
    bits = [
        (
            f"{bit.high}–{bit.low}" if bit.high > bit.low else str(bit.low),
            str(PIECES[bit.name].label),
            _READINGS[PIECES[bit.name].form](bit.value, zone),
        )
        for bit in part.bits
    ]
    return PartShown(
        place=_span(part.start, part.end),
        first=part.start,
        hex=opened[part.start : part.end].hex(" "),
        label=str(word.label),
        meaning=str(word.meaning),
        value=_READINGS[word.form](part.value, zone),
        bits=bits,
    )


def _values(message: Any, zone: ZoneInfo, wanted: int | None) -> list[tuple[str, str, bool]]:
    """Increments of a profile with the start of their interval; which one is looked for."""
    if not isinstance(message, IntervalProfile):
        return []
    found = []
    for place, value in enumerate(message.values):
        at = message.base_time + place * message.interval * 60
        text = gettext("not measured") if value is None else _number(value, zone)
        found.append((_time(at, zone), text, at == wanted))
    return found


def _number(value: Any, _zone: ZoneInfo) -> str:
    return number_format(value, force_grouping=True)


def _time(value: Any, zone: ZoneInfo) -> str:
    if not value:
        return gettext("the clock was never set")
    return f"{datetime.fromtimestamp(value, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _firmware(value: Any, _zone: ZoneInfo) -> str:
    return ".".join(str(number) for number in value)


def _event(value: Any, _zone: ZoneInfo) -> str:
    try:
        return f"{value} ({EventCode(value).name.lower().replace('_', ' ')})"
    except ValueError:
        return str(value)


def _result(value: Any, _zone: ZoneInfo) -> str:
    try:
        return f"{value} ({ResultStatus(value).name.lower().replace('_', ' ')})"
    except ValueError:
        return str(value)


def _direction(value: Any, _zone: ZoneInfo) -> str:
    return gettext("from the module") if value == Direction.UP else gettext("to the module")


def _key(value: Any, _zone: ZoneInfo) -> str:
    names = {Key.A: "A", Key.B: "B", Key.CLAIM: gettext("claim key")}
    return names.get(value, str(value))


def _unit(unit: str) -> Any:
    return lambda value, zone: f"{_number(value, zone)} {unit}"


_READINGS: dict[str, Any] = {
    "number": _number,
    "hex": lambda _value, _zone: "",
    "bits": lambda value, _zone: f"{value:b}" if value else "0",
    "bytes": lambda value, _zone: gettext("%(count)d bytes") % {"count": len(value)},
    "direction": _direction,
    "key": _key,
    "device": lambda value, _zone: device_label(value),
    "time": _time,
    "minutes": _unit("min"),
    "seconds": _unit("s"),
    "bit": _unit("bit"),
    "version": _firmware,
    "millivolts": _unit("mV"),
    "percent": _unit("%"),
    "dbm": _unit("dBm"),
    "celsius": _unit("°C"),
    "event": _event,
    "result": _result,
}
