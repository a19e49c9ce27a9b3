"""What a network server tells of one uplink, or of something else that happened to a module."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ..errors import DecodeError
from ..telegram import Item, Telegram

__all__ = ["JOIN", "SpoiltUplink", "Uplink", "uplink_telegram"]

# The event after which a module counts its frames from 0 again.
JOIN = "join"


class SpoiltUplink(DecodeError):
    """A network server's document that can't be used; dev_eui: of whom it speaks, "" if unknown."""

    def __init__(self, offset: int, reason: str, dev_eui: str = "") -> None:
        super().__init__(offset, reason)
        self.dev_eui = dev_eui


class Uplink(NamedTuple):
    """One document of a network server.

    server: its name. dev_eui: 16 capital hexadecimal digits. port: FPort. counter: FCnt, up to 32
    bits; 16 where the server passes on what came by radio. payload: FRMPayload, opened by the
    server. at: when the network heard it (aware), None where it does not say. rssi (dBm), snr (dB):
    of the gateway that heard it best. event: what happened instead of an uplink with data (`JOIN`,
    "downlink sent" …), "" for an uplink; there is nothing to read then. items: the same with their
    places in the document.
    """

    server: str
    dev_eui: str
    port: int | None = None
    counter: int | None = None
    payload: bytes = b""
    at: datetime | None = None
    rssi: Decimal | None = None
    snr: Decimal | None = None
    event: str = ""
    items: tuple[Item, ...] = ()


def uplink_telegram(octets: bytes, uplink: Uplink) -> Telegram:
    """The document as a telegram of its own; octets: all of it."""
    identity = {"server": uplink.server, "dev_eui": uplink.dev_eui}
    nothing = f"{uplink.event}: nothing to read here"
    return Telegram(
        kind="lorawan",
        octets=octets,
        items=uplink.items,
        identity={name: value for name, value in identity.items() if value},
        warnings=(nothing,) if uplink.event else (),
    )
