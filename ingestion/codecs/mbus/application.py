"""What the CI field announces (EN 13757-7:2018, table 2) and how it is read.

An answer of a meter: variable data with a long (72h), short (7Ah) or no header (78h), the fixed
structure (73h), the same two highest byte first (76h, 77h), application errors (6Eh, 6Fh, 70h) and
alarms (71h, 74h, 75h). What a master says to a meter, and what is another protocol's, is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..errors import DecodeError
from ..telegram import Item
from .fixed import read_fixed
from .items import Names, items_of
from .records import RecordList, read_records
from .transport import Transport, read_long, read_short

__all__ = ["Application", "read_application", "read_bare"]


class Application(NamedTuple):
    """What one telegram says from its CI field on."""

    identity: dict[str, str]
    layers: tuple[Item, ...]
    items: tuple[Item, ...]
    more_follows: bool = False


_NO_HEADER = "none"
_HEADERS = {"long": read_long, "short": read_short}


class _Form(NamedTuple):
    """How the bytes behind a CI field are read."""

    name: str
    header: str
    big_endian: bool
    read: Callable[[bytes, int, int, _Form, Names], Application]


def read_application(octets: bytes, start: int, end: int, names: Names) -> Application:
    """Reads [start, end), whose first byte is the CI field.

    Raises DecodeError where the bytes break the form or are no answer of a meter.
    """
    if start >= end:
        raise DecodeError(start, "the CI field is missing")
    code = octets[start]
    form = _FORMS.get(code)
    if form is None:
        raise DecodeError(start, f"CI field {code:02X}h: {_refusal(code)}")
    application = form.read(octets, start + 1, end, form, names)
    layer = Item(
        name="ci", value=code, start=start, end=start + 1, raw=f"{code:02x}", formula=form.name
    )
    return application._replace(layers=(layer, *application.layers))


def read_bare(octets: bytes, start: int, end: int, names: Names) -> Application:
    """Reads [start, end) as records that follow nothing; raises DecodeError as above."""
    return _variable(octets, start, end, _BARE, names)


def _refusal(code: int) -> str:
    for first, last, reason in _REFUSALS:
        if first <= code <= last:
            return reason
    return "reserved, no answer of a meter"


def _header(octets: bytes, start: int, end: int, form: _Form) -> Transport:
    if form.header == _NO_HEADER:
        return Transport({}, (), start)
    return _HEADERS[form.header](octets, start, end, big_endian=form.big_endian)


def _variable(octets: bytes, start: int, end: int, form: _Form, names: Names) -> Application:
    header = _header(octets, start, end, form)
    _refuse_encrypted(octets, header, end)
    found = read_records(octets, header.end, end, big_endian=form.big_endian)
    layers = (*header.layers, *_around(octets, found))
    items = (*items_of(found.records, names), *_tail(octets, found, names))
    return Application(header.identity, layers, items, found.more_follows)


_ENCRYPTED = {5: "AES-128 in CBC mode", 7: "AES-128 in CBC mode with a key of the moment"}
_BLOCK = 16
_PLAIN = b"\x2f\x2f"


def _refuse_encrypted(octets: bytes, header: Transport, end: int) -> None:
    """A configuration field that names a mode and as many blocks as there are.

    Old meters have a signature there, of any value, so the blocks must fit too; a text that was
    decrypted already begins with two fillers.
    """
    field = int(header.identity.get("signature", "0"), 16)
    mode, blocks = field >> 8 & 0x1F, field >> 4 & 0x0F
    fits = 0 < blocks * _BLOCK <= end - header.end
    if mode in _ENCRYPTED and fits and octets[header.end : header.end + 2] != _PLAIN:
        raise DecodeError(header.end, f"encrypted ({_ENCRYPTED[mode]}): decrypt it first")


def _around(octets: bytes, found: RecordList) -> tuple[Item, ...]:
    """Idle bytes, and the DIF before the maker's own data."""
    layers = [_layer("filler", octets, span) for span in found.fillers]
    if found.tail_dif is not None:
        name = "more_records_follow" if found.more_follows else "manufacturer_data_follows"
        layers.append(_layer(name, octets, found.tail_dif))
    return tuple(layers)


def _layer(name: str, octets: bytes, span: tuple[int, int]) -> Item:
    raw = octets[slice(*span)]
    return Item(name=name, value=raw, start=span[0], end=span[1], raw=raw.hex())


def _tail(octets: bytes, found: RecordList, names: Names) -> tuple[Item, ...]:
    """What only the maker knows, if it is not empty."""
    if found.tail is None or found.tail[0] == found.tail[1]:
        return ()
    return (_said("manufacturer_data", octets[slice(*found.tail)], found.tail, names),)


def _said(
    name: str, value: int | bytes, span: tuple[int, int], names: Names, words: str = ""
) -> Item:
    """An item that is no record."""
    facts = {"function": "instantaneous", "storage": 0, "tariff": 0, "subunit": 0, "valid": True}
    return Item(
        name=names.unique(name),
        value=value,
        start=span[0],
        end=span[1],
        raw=value.hex() if isinstance(value, bytes) else f"{value:02x}",
        formula=words,
        facts={"quantity": name, "modifier": "", **facts} | ({"words": words} if words else {}),
    )


def _fixed(octets: bytes, start: int, end: int, form: _Form, names: Names) -> Application:
    header, counters = read_fixed(octets, start, end, big_endian=form.big_endian)
    for counter in counters:
        names.unique(counter.name)
    return Application(header.identity, header.layers, counters)


_UNSPECIFIED = 0x00
_ERRORS = {
    _UNSPECIFIED: "unspecified error",
    0x01: "CI field not implemented",
    0x02: "buffer too long, truncated",
    0x03: "too many records",
    0x04: "premature end of record",
    0x05: "more than 10 DIFE",
    0x06: "more than 10 VIFE",
    0x07: "reserved",
    0x08: "application too busy for a readout",
    0x09: "too many readouts",
    0x10: "access denied",
    0x11: "application or command unknown",
    0x12: "parameter error",
    0x13: "unknown receiver address",
    0x14: "decryption key fails",
    0x15: "encryption method not supported",
    0x16: "signature method not supported",
    0xF0: "dynamic application error",
}


def _error(octets: bytes, start: int, end: int, form: _Form, names: Names) -> Application:
    """The meter could not do what it was asked. Nothing behind the header: unspecified."""
    header = _header(octets, start, end, form)
    code = octets[header.end] if header.end < end else _UNSPECIFIED
    words = _ERRORS.get(code, f"error {code:02X}h of the maker")
    span = (header.end, min(header.end + 1, end))
    item = _said("application_error", code, span, names, words)
    rest = (header.end + 1, end)
    more = (_layer("application_error_data", octets, rest),) if rest[0] < end else ()
    return Application(header.identity, (*header.layers, *more), (item,))


def _alarm(octets: bytes, start: int, end: int, form: _Form, names: Names) -> Application:
    """Bits whose meaning is the maker's."""
    header = _header(octets, start, end, form)
    if header.end >= end:
        raise DecodeError(header.end, "the alarm byte is missing")
    value = int.from_bytes(octets[header.end : end], "little")
    item = _said("alarm", value, (header.end, end), names)
    return Application(header.identity, header.layers, (item,))


_BARE = _Form("variable data, no header", _NO_HEADER, False, _variable)
_FORMS = {
    0x6E: _Form("application error, short header", "short", False, _error),
    0x6F: _Form("application error, long header", "long", False, _error),
    0x70: _Form("application error", _NO_HEADER, False, _error),
    0x71: _Form("alarm", _NO_HEADER, False, _alarm),
    0x72: _Form("variable data, long header", "long", False, _variable),
    0x73: _Form("fixed data structure", _NO_HEADER, False, _fixed),
    0x74: _Form("alarm, short header", "short", False, _alarm),
    0x75: _Form("alarm, long header", "long", False, _alarm),
    0x76: _Form("variable data, highest byte first", "long", True, _variable),
    0x77: _Form("fixed data structure, highest byte first", _NO_HEADER, True, _fixed),
    0x78: _BARE,
    0x7A: _Form("variable data, short header", "short", False, _variable),
}

# First and last code, why they are refused.
_REFUSALS = (
    (0x00, 0x1F, "DLMS/COSEM, not M-Bus"),
    (0x50, 0x5F, "a command to a meter: nothing is measured in it"),
    (0x60, 0x61, "DLMS/COSEM, not M-Bus"),
    (0x64, 0x65, "OBIS data, not M-Bus"),
    (0x66, 0x68, "the answer to a command of the transport layer: no data"),
    (0x69, 0x6B, "the format of compact frames: no data"),
    (0x6C, 0x6D, "the setting of a clock: a command to a meter"),
    (0x79, 0x79, "a compact frame: its format is needed"),
    (0x7B, 0x7B, "a compact frame: its format is needed"),
    (0x7C, 0x7D, "DLMS/COSEM, not M-Bus"),
    (0x7E, 0x7F, "OBIS data, not M-Bus"),
    (0x80, 0x8F, "a layer of wireless M-Bus"),
    (0x90, 0x97, "the authentication layer: wireless M-Bus"),
    (0xA0, 0xB7, "the maker's own protocol"),
    (0xB8, 0xBF, "the setting of a baud rate: a command to a meter"),
)
