"""Payloads of LoRaWAN modules out of the documents that network servers pass on."""

from __future__ import annotations

from dataclasses import replace

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.lorawan import Uplink, read_uplink, uplink_telegram
from ingestion.codecs.telegram import Telegram
from ingestion.decoding import Arrival

__all__ = ["decode_uplink", "unpacked"]

# Kinds that read a document itself.
_READ_DOCUMENTS = frozenset({"json", "senml"})


def unpacked(octets: bytes, arrival: Arrival, *, kind: str) -> tuple[bytes, Arrival, Uplink | None]:
    """What a module sent and how it came; as given where that is no network server's document.

    kind: of the type that is to read it. DecodeError where the document is spoilt, or tells of
    something else than an uplink.
    """
    uplink = None if kind in _READ_DOCUMENTS else read_uplink(octets)
    if uplink is None:
        return octets, arrival, None
    if uplink.event:
        raise DecodeError(0, f"{uplink.event}: nothing to read here")
    came = replace(
        arrival,
        transport="lorawan",
        port=uplink.port,
        device=uplink.dev_eui,
        received_at=uplink.at or arrival.received_at,
    )
    return uplink.payload, came, uplink


def decode_uplink(octets: bytes) -> Telegram:
    """The document itself, part by part; DecodeError where it is none."""
    uplink = read_uplink(octets)
    if uplink is None:
        raise DecodeError(0, "no document of a known LoRaWAN network server")
    return uplink_telegram(octets, uplink)
