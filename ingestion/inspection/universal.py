"""Frames of the universal protocol as a telegram of items, for people."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.sealing import open_frame
from ingestion.codecs.telegram import Item, Telegram
from ingestion.codecs.universal_explain import HEADER, TAG, Section, explain
from ingestion.codecs.universal_frame import (
    HEADER_BYTES,
    TAG_BYTES,
    Direction,
    device_label,
    read_header,
)

__all__ = ["decode_universal"]

_AROUND = {HEADER, TAG}


def decode_universal(octets: bytes, *, key: bytes | None = None) -> Telegram:
    """Header, messages and tag. Without the key the sealed bytes stay sealed, with a warning.

    The octets of the telegram are the plaintext form of the frame. DecodeError when it is none, or
    the key is another's.
    """
    header = read_header(octets)
    opened = None
    if key is not None:
        opened = open_frame(_aead(key), octets)
    told = opened if header.direction is Direction.UP else None
    sections = explain(octets, told)
    items = [item for section in sections for item in _items(section)]
    around = [item for section in sections if section.kind in _AROUND for item in _items(section)]
    plain = octets[:HEADER_BYTES] + (opened or octets[HEADER_BYTES:-TAG_BYTES])
    return Telegram(
        kind="universal",
        octets=plain + octets[-TAG_BYTES:],
        items=tuple(item for item in items if item not in around),
        identity={
            "id": device_label(header.device),
            "counter": str(header.counter),
            "direction": header.direction.name.lower(),
        },
        layers=tuple(around),
        warnings=tuple(_warnings(sections, opened)),
    )


def _aead(key: bytes) -> AESGCM:
    try:
        return AESGCM(key)
    except ValueError as error:
        raise DecodeError(0, f"a key of {len(key)} bytes; 16 are needed") from error


def _items(section: Section) -> Iterator[Item]:
    for part in section.parts:
        facts = {"message": section.kind} | {bits.name: bits.value for bits in part.bits}
        yield Item(
            name=part.name,
            value=part.value,
            start=part.start,
            end=part.end,
            raw=part.value.hex(" ") if isinstance(part.value, bytes) else str(part.value),
            facts=facts,
        )


def _warnings(sections: list[Section], opened: bytes | None) -> Iterator[str]:
    if opened is None:
        yield "sealed: with the key of the device its messages can be read"
    for section in sections:
        if section.error:
            yield section.error
