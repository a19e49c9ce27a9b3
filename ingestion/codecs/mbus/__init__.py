"""Wired M-Bus: EN 13757-2 (frames) and EN 13757-3:2018 (data), with the older fixed structure.

    frame (`link`) → CI field (`application`) → header (`transport`) → records (`records`)
        → DIF, VIF (`header` with its tables) · data (`values`, `times`) · profiles (`profiles`)

Facts of an item, which a mapping may match: `quantity` (energy, volume, volume_flow,
flow_temperature, date_time, error_flags …; a unit in plain text is its own quantity), `function`
(instantaneous, maximum, minimum, error), `storage`, `tariff`, `subunit`, `modifier` (l1,
backward_flow, upper_limit …, joined by "+"; "" for none), `vif` (hex), `valid`.

Own code, not pyMeterBus (0.8.5, BSD). It is right where it reads: all 354 numbers of published
frames that can be compared agree. But it multiplies binary floats, leaves out every code that
narrows or scales a value (VIFE), takes digits of variable length for text, has no fixed structure,
load profiles, compact frames or places of bytes, and raises IndexError and others on broken frames.
Here numbers are exact, every byte is accounted for, and only DecodeError is raised.
"""

from __future__ import annotations

from ..errors import DecodeError
from ..telegram import Item, Telegram
from .application import Application, read_application, read_bare
from .items import Names
from .link import Frame, read_frame

__all__ = ["decode_application", "decode_mbus", "decode_records"]

_KIND = "mbus"
_MORE = "more records follow in another telegram of the meter"
_EMPTY = "frames of the link layer only: they carry no values"


def decode_mbus(octets: bytes) -> Telegram:
    """Decodes one frame, or several of one meter one behind the other.

    Identity: manufacturer (three letters), id (8 digits), version, medium (words), medium_code
    (hex), access_number, status (hex), status_words, signature (hex), address (of the bus);
    more_records_follow = "1" if the last frame says so. A frame without data (acknowledgement,
    short or control frame) gives layers only. Raises DecodeError, and nothing else, on bytes that
    break the form, on what a master sends and on frames of different meters.
    """
    if not octets:
        raise DecodeError(0, "no bytes")
    names, said, layers, at = Names(), list[Application](), list[Item](), 0
    address = ""
    while at < len(octets):
        frame = read_frame(octets, at)
        layers += frame.layers
        at = frame.end
        if frame.body == frame.body_end:
            continue
        address = str(frame.address)
        _refuse_master(octets, frame)
        said.append(read_application(octets, frame.body, frame.body_end, names))
        _same_meter(said, frame)
    return _telegram(octets, said, layers, {"address": address} if address else {})


def decode_application(octets: bytes, start: int = 0) -> Telegram:
    """Decodes what follows the link layer: the CI field at `start` and all behind it.

    Identity and errors as of `decode_mbus`, without the address.
    """
    return _telegram(octets, [read_application(octets, start, len(octets), Names())], [], {})


def decode_records(octets: bytes, start: int = 0) -> Telegram:
    """Decodes records alone, as some radio modules send them: nothing tells who speaks."""
    return _telegram(octets, [read_bare(octets, start, len(octets), Names())], [], {})


def _refuse_master(octets: bytes, frame: Frame) -> None:
    """What a master sends carries no values of a meter, whatever it looks like."""
    if frame.sent_by_master:
        reason = f"a master's frame (CI field {octets[frame.body]:02X}h): nothing is measured in it"
        raise DecodeError(frame.body, reason)


def _same_meter(said: list[Application], frame: Frame) -> None:
    first, last = (one.identity.get("id") for one in (said[0], said[-1]))
    if first != last:
        reason = f"a telegram of meter {last} behind one of {first}: decode them one by one"
        raise DecodeError(frame.start, reason)


def _telegram(
    octets: bytes, said: list[Application], layers: list[Item], link: dict[str, str]
) -> Telegram:
    more = bool(said) and said[-1].more_follows
    identity = (said[0].identity if said else {}) | link
    around = [*layers, *(layer for one in said for layer in one.layers)]
    return Telegram(
        kind=_KIND,
        octets=octets,
        items=tuple(item for one in said for item in one.items),
        identity=identity | ({"more_records_follow": "1"} if more else {}),
        layers=tuple(sorted(around, key=lambda layer: layer.start)),
        warnings=tuple(text for text, true in ((_MORE, more), (_EMPTY, not said)) if true),
    )
