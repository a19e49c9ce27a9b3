"""Wireless M-Bus, from a received frame to a telegram: EN 13757-4, -7 and -3, OMS volume 2."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import DecodeError
from ..mbus import decode_mbus
from ..mbus.media import medium_name
from ..telegram import Item, Telegram
from .address import Address
from .application import read_application, read_doubtful
from .bfw import read_bfw
from .formats import Formats
from .layers import EXTENDED_LINK, Authentication, read_authentication, read_extended_link
from .link import HEADER_BYTES, Layout, layouts
from .message import Message
from .prios import read_prios
from .tables import CONTROL, FROM_PARTNER
from .techem import read_techem
from .transport import LONG, TRANSPORT, is_defined, open_payload, read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["decode_wmbus"]

_KIND = "wmbus"
_AUTHENTICATION = 0x90
_MANUFACTURER = range(0xA0, 0xB8)
# Each reads a content that it knows to the end, or says that it does not know it.
_MAKERS_READERS = (read_prios, read_techem)
# Enhanced identification.
_ENHANCED = "79"
# Each layer in front of the transport layer stands once; more are a fault, not a message.
_MOST_LAYERS = 4
_WIRED_START, _WIRED_EXTRA = 0x68, 6


def decode_wmbus(
    octets: bytes, *, key: bytes | None = None, formats: Formats | None = None
) -> Telegram:
    """One frame, from its length byte on, with or without checksums of the link layer.

    `key` (16 bytes; 8 for DES) opens what is encrypted. Without one the identity is given and
    `identity["unread"]` says why there are no values; a key that does not fit is a DecodeError, as
    is everything else that breaks the format. `formats` learns from full frames and reads compact
    ones. A wired frame (68 L L 68) is decoded as such.

    `Telegram.octets` are as received with plaintext in place of ciphertext; spans count in them.
    Identity: manufacturer, id, version, medium, medium_code, access_number, status, security_mode
    of the meter; radio_manufacturer, radio_id … where another device sends for it; control,
    frame_format, ell_security, message_counter, authenticated, format, unread where there are any.
    """
    if _is_wired(octets):
        return decode_mbus(octets)
    first: DecodeError | None = None
    memory = Formats() if formats is None else formats
    for layout in layouts(octets):
        try:
            return _Decoding(octets, layout, key, memory).telegram()
        except DecodeError as error:
            first = first or DecodeError(_received(layout, error.offset), error.reason)
    assert first is not None  # noqa: S101  layouts() gives one at least
    raise first


def _is_wired(octets: bytes) -> bool:
    """Two equal lengths between two start bytes, and as many bytes as they say.

    A wireless frame may begin like this too, but is then 68h + 1 bytes long.
    """
    return (
        len(octets) > _WIRED_EXTRA
        and octets[0] == octets[3] == _WIRED_START
        and octets[1] == octets[2]
        and (len(octets) != _WIRED_START + 1 or octets[1] + _WIRED_EXTRA == len(octets))
    )


def _received(layout: Layout, offset: int) -> int:
    """Where a byte of the frame without checksums was received."""
    places = layout.places()
    return places[offset] if offset < len(places) else places[-1] + 1


class _Decoding:
    """One reading of a frame."""

    def __init__(self, octets: bytes, layout: Layout, key: bytes | None, formats: Formats) -> None:
        self.received, self.layout, self.key, self.formats = octets, layout, key, formats
        content = layout.content(octets)
        sender = Address.from_link(bytes(content[2:HEADER_BYTES]))
        self.message = Message(content, len(content), sender, sender)
        self.authentication: Authentication | None = None

    def telegram(self) -> Telegram:
        self._link()
        self._layers()
        self._identify()
        message, layout = self.message, self.layout
        places = layout.places()
        octets = bytearray(self.received)
        for place, octet in zip(places, message.octets, strict=True):
            octets[place] = octet
        return Telegram(
            kind=_KIND,
            octets=bytes(octets),
            items=_placed(message.items, places),
            identity=message.identity,
            layers=(*_placed(message.layers, places), *layout.layers(self.received)),
            warnings=tuple([layout.warning] * bool(layout.warning) + message.warnings),
        )

    def _link(self) -> None:
        message = self.message
        message.byte("link.length", "bytes that follow, without checksums in format A")
        control = message.byte("link.control")
        message.take(2, "link.manufacturer", message.sender.manufacturer)
        message.take(4, "link.id", message.sender.identification)
        message.byte("link.version")
        message.byte("link.medium")
        message.downlink = control in FROM_PARTNER
        message.identity["control"] = CONTROL.get(control, f"{control:02x}")
        message.identity["frame_format"] = self.layout.name

    def _layers(self) -> None:
        message = self.message
        for _ in range(_MOST_LAYERS):
            if not message.left:
                return
            at = message.at
            ci = message.byte("ci", "what follows")
            if ci in EXTENDED_LINK:
                read_extended_link(message, ci, self.key)
            elif ci == _AUTHENTICATION:
                self.authentication = read_authentication(message)
            else:
                self._contents(ci, at)
                return
        raise DecodeError(message.at, "more layers than a message has")

    def _contents(self, ci: int, at: int) -> None:
        message = self.message
        message.identity["ci"] = f"{ci:02X}"
        if ci in _MANUFACTURER:
            message.meter = message.meter.of_own_content()
            if not any(read(message, self.key) for read in _MAKERS_READERS):
                message.opaque("manufacturer_data", f"CI {ci:02X}h: the maker's own content")
            return
        if ci not in TRANSPORT:
            raise DecodeError(at, f"CI {ci:02X}h is not defined for wireless M-Bus")
        header, content = TRANSPORT[ci]
        opening = read_header(message, header)
        if opening is None:
            read_application(message, content, self.formats)
            message.meter = _named_within(message.items) or message.meter
        elif not is_defined(opening):
            message.meter = message.meter.of_own_content() if header != LONG else message.meter
            read_doubtful(message, message.identity["security_mode"])
        elif open_payload(opening, self.key, self.authentication) and not read_bfw(message):
            read_application(message, content, self.formats)

    def _identify(self) -> None:
        message, meter = self.message, self.message.meter
        message.identity |= {
            "manufacturer": meter.manufacturer,
            "id": meter.identification,
            "version": str(meter.version),
            "medium": medium_name(meter.medium),
            "medium_code": f"{meter.medium:02X}",
        }
        sender = message.sender
        if sender.octets != meter.octets and sender.of_own_content().octets != meter.octets:
            message.identity |= {
                "radio_manufacturer": sender.manufacturer,
                "radio_id": sender.identification,
                "radio_version": str(sender.version),
                "radio_medium": medium_name(sender.medium),
                "radio_medium_code": f"{sender.medium:02X}",
            }


def _named_within(items: Sequence[Item]) -> Address | None:
    """The meter behind a radio adapter that sends no transport header: a record names it.

    VIF 79h with 8 bytes of data is a whole secondary address (EN 13757-3, table of FB and FD
    codes).
    """
    for item in items:
        if item.facts.get("vif") == _ENHANCED and len(item.raw) == 16:
            return Address.from_transport(bytes.fromhex(item.raw))
    return None


def _placed(items: Sequence[Item], places: list[int]) -> tuple[Item, ...]:
    """Items with their spans in the bytes as received."""
    if places[-1] == len(places) - 1:  # no checksums between them
        return tuple(items)
    return tuple(_one_placed(item, places) for item in items)


def _one_placed(item: Item, places: list[int]) -> Item:
    if not 0 <= item.start < item.end:
        return item
    return replace(item, start=places[item.start], end=places[item.end - 1] + 1)
