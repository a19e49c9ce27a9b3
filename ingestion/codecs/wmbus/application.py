"""What a message says in the end: records, whole or compact, a format, or other protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DecodeError
from ..mbus.records import RecordList, items_of, read_records, read_values
from ..telegram import Item
from .checksum import crc16
from .security import FILLERS

if TYPE_CHECKING:
    from .formats import Formats
    from .message import Message

__all__ = ["read_application", "read_doubtful"]

_IDLE = b"\xff\xff"


def read_application(message: Message, content: str, formats: Formats) -> None:
    """Reads the rest of a message, of the kind that its CI field announced."""
    reader = _READERS.get(content)
    if reader:
        reader(message, formats)
    elif message.left:
        message.opaque(content.replace(" ", "_"), f"{content}: not read here")


def read_doubtful(message: Message, mode: str) -> None:
    """Bytes under a security mode that the standard does not define: records if they are sound.

    Some makers mark plain records with a mode of their own; what other ones send is theirs alone.
    Sound: every record has a defined unit and a good value, and none reaches beyond the end.
    """
    try:
        records = read_records(bytes(message.octets), message.at, message.end)
    except DecodeError:
        records = None
    if records is None or not _is_sound(records):
        message.unread(f"security mode {mode} is not defined; the content is the maker's own")
        return
    message.warnings.append(f"security mode {mode} is not defined; the content reads as plain")
    _add(message, records)


def _is_sound(records: RecordList) -> bool:
    items = items_of(records.records)
    return bool(items) and all(
        item.facts["valid"] and item.facts["quantity"] not in _UNDEFINED for item in items
    )


_UNDEFINED = frozenset({"reserved", "manufacturer_specific"})


def _read_full(message: Message, formats: Formats) -> None:
    """Records to the end, or to the idle bytes FF FF that some modules send behind them."""
    octets, start, end = bytes(message.octets), message.at, message.end
    try:
        records = read_records(octets, start, end)
    except DecodeError as error:
        if not octets.endswith(_IDLE):
            raise
        records = _shorter(octets, start, end - len(_IDLE), error)
        message.warnings.append("the last two bytes, FF FF, are no record")
        message.layers.append(_filling("apl.idle", octets, end - len(_IDLE), end))
    _add(message, records)
    formats.learn(records.headers)


def _shorter(octets: bytes, start: int, end: int, error: DecodeError) -> RecordList:
    """The records up to an earlier end; the error of the whole where they break as well."""
    try:
        records = read_records(octets, start, max(start, end))
    except DecodeError:
        raise error from None
    if not records.records:
        raise error
    return records


def _filling(name: str, octets: bytes | bytearray, start: int, end: int) -> Item:
    return Item(name=name, value=end - start, start=start, end=end, raw=octets[start:end].hex())


def _add(message: Message, records: RecordList) -> None:
    octets = message.octets
    message.items += items_of(records.records)
    message.warnings += records.warnings
    for start, end in records.fillers:
        message.layers.append(_filling("apl.fillers", octets, start, end))
    if records.tail_dif and records.tail:
        start, end = records.tail_dif[0], records.tail[1]
        rest = bytes(octets[records.tail[0] : end])
        message.items.append(
            Item(name="manufacturer_data", value=rest, start=start, end=end, raw=rest.hex())
        )
    if records.more_follows:
        message.identity["more_follows"] = "yes"
    message.at = message.end


def _read_compact(message: Message, formats: Formats) -> None:
    """Signature of the format, checksum of the full frame, data."""
    if message.rest[:2] == FILLERS:
        message.take(2, "apl.fillers", "the key fits")
    signature = message.number(2, "apl.format", "signature of the format")
    checksum = message.number(2, "apl.crc", "checksum of the full frame")
    candidates = formats.find(signature)
    message.identity["format"] = f"{signature:04x}"
    if not candidates:
        message.unread(f"a compact frame: its format {signature:04x} was not sent in full yet")
        return
    fitting = (_compact_records(message, headers, checksum) for headers in candidates)
    records = next((one for one in fitting if one), None)
    if records is None:
        raise DecodeError(message.at, "the checksum of the full frame does not match")
    _add(message, records)


def _compact_records(message: Message, headers: bytes, checksum: int) -> RecordList | None:
    """The records, if they are those of the full frame that was meant."""
    octets = bytes(message.octets)
    try:
        records = read_values(headers, octets, message.at, message.end)
    except DecodeError:
        return None
    full = (record.header.octets + octets[slice(*record.data)] for record in records.records)
    return records if crc16(b"".join(full)) == checksum else None


def _read_format(message: Message, formats: Formats) -> None:
    """A length, the signature, and the headers themselves."""
    message.byte("apl.length", "length of the format")
    signature = message.number(2, "apl.format", "signature of the format")
    headers = message.rest
    if crc16(headers) != signature:
        raise DecodeError(message.at, "the signature of the format does not match")
    formats.learn(headers)
    message.opaque("format", "headers of compact frames")


_READERS = {"records": _read_full, "compact": _read_compact, "format": _read_format}
