"""Bytes of COSEM messages, put together for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import ingestion
from ingestion.codecs.cosem import Keys
from ingestion.codecs.cosem.hdlc import x25

_VECTORS = Path(ingestion.__file__).parents[2] / "shared" / "vectors"

TITLE = b"KFM\x10\x20\x00\x12\x34"
KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
# A power of 280 W as Aidon pushes it: array of structures of code, value, [scaler, unit].
BODY = bytes.fromhex("0101020309060100010700ff060000011802020f00161b")
APDU = bytes.fromhex("0f4000000000") + BODY


def published(name: str) -> Any:
    """A file of published vectors; the test is skipped where they are not at hand."""
    path = _VECTORS / name
    if not path.is_file():
        pytest.skip(f"the published vectors are not here: {path.name}")
    return json.loads(path.read_text(encoding="utf-8"))


def sized(octets: bytes) -> bytes:
    """An A-XDR length and the octets."""
    size = len(octets)
    return (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + octets


def framed(information: bytes, *, more: bool = False, control: int = 0x13) -> bytes:
    """An HDLC frame from server 1 (one byte) to client 16, without its flags."""
    addresses = b"\x21\x02\x03" + bytes([control])
    size = 2 + len(addresses) + 2 + len(information) + 2
    header = (0xA000 | (0x0800 if more else 0) | size).to_bytes(2, "big") + addresses
    content = header + x25(header).to_bytes(2, "little") + information
    return content + x25(content).to_bytes(2, "little")


def flagged(*frames: bytes) -> bytes:
    return b"".join(b"\x7e" + frame for frame in frames) + b"\x7e"


def ciphered(plain: bytes, control: int, counter: int, keys: Keys, header: bytes = b"") -> bytes:
    """Security control, counter, content and tag."""
    vector = TITLE + counter.to_bytes(4, "big")
    extra = bytes([control]) + keys.authentication + header
    cipher = AESGCM(keys.encryption)
    if control & 0x20:
        whole = cipher.encrypt(vector, plain, extra)
    else:
        whole = plain + cipher.encrypt(vector, b"", extra + plain)
    size = len(plain) + (12 if control & 0x10 else 0)
    return bytes([control]) + counter.to_bytes(4, "big") + whole[:size]


def general_glo(plain: bytes, control: int = 0x30, counter: int = 7, keys: Keys = KEYS) -> bytes:
    return b"\xdb" + sized(TITLE) + sized(ciphered(plain, control, counter, keys))


def general(plain: bytes, keys: Keys, key_info: bytes = b"\x00", counter: int = 7) -> bytes:
    """General-ciphering with a transaction id and a recipient."""
    header = sized(b"\x00\x01") + sized(TITLE) + sized(b"RECEIVER") + b"\x00" + b"\x00"
    return b"\xdd" + header + key_info + sized(ciphered(plain, 0x30, counter, keys, header))


def wrapped(apdu: bytes) -> bytes:
    return b"\x00\x01\x00\x01\x00\x10" + len(apdu).to_bytes(2, "big") + apdu


def mbus(data: bytes, ci: int) -> bytes:
    content = bytes([0x53, 0xFF, ci, 0x01, 0x67]) + data
    head = bytes([0x68, len(content), len(content), 0x68])
    return head + content + bytes([sum(content) & 0xFF, 0x16])
