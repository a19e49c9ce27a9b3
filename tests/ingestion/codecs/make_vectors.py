"""Writes docs/protocol-vectors.json and the worked examples and sizes of docs/protocol.md.

Run it after a change of the protocol: `python -m tests.ingestion.codecs.make_vectors`. A test
fails while the files differ from what this would write.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.claim import secret_text
from ingestion.codecs.replay import Window, accept
from ingestion.codecs.sealing import seal
from ingestion.codecs.universal import decode, encode
from ingestion.codecs.universal_frame import Direction, Header, Key, device_id
from ingestion.codecs.universal_messages import Message

from .vectors_bad import BAD_FRAMES, BAD_PLAINTEXTS
from .vectors_good import GOOD, Good

__all__ = ["DEVICE", "KEYS", "described", "documents", "frame_of", "plaintext_of", "vectors"]

_DOCS = Path(__file__).resolve().parents[3] / "docs"
VECTORS_FILE, PROTOCOL_FILE = _DOCS / "protocol-vectors.json", _DOCS / "protocol.md"
DEVICE = device_id("RDO-0000001234")
# For tests only: no device may ever have these.
KEYS = {
    Key.A: bytes.fromhex("000102030405060708090a0b0c0d0e0f"),
    Key.B: bytes.fromhex("101112131415161718191a1b1c1d1e1f"),
    Key.CLAIM: bytes.fromhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"),
}
_REPLAYS = {
    "in order": [1, 2, 3],
    "twice": [1, 1],
    "reordered": [3, 1, 2, 2],
    "63 behind is within the window, 64 is not": [64, 1, 100, 36, 37],
    "a jump forgets what lies far behind": [5, 2_147_483_647, 5, 2_147_483_584],
    "a whole capture again": [1, 2, 4, 1, 2, 4],
}


def described(message: Message) -> dict[str, Any]:
    """A message as JSON: bytes in hex."""
    return {"kind": type(message).__name__, **_plain(dataclasses.asdict(message))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool) else int(value)


def plaintext_of(good: Good) -> bytes:
    return bytes.fromhex(good.raw) if good.raw else encode(good.messages, good.direction)


def frame_of(plaintext: bytes, direction: Direction, key: Key, counter: int) -> bytes:
    return seal(AESGCM(KEYS[key]), Header(direction, key, DEVICE, counter), plaintext)


def _sealed(name: str, plaintext: bytes, direction: Direction, key: Key, counter: int) -> Any:
    return {
        "name": name,
        "direction": direction.name.lower(),
        "key": key.name.lower(),
        "counter": counter,
        "plaintext": plaintext.hex(),
        "frame": frame_of(plaintext, direction, key, counter).hex(),
    }


def _good() -> list[Any]:
    return [
        _sealed(row.name, plain, row.direction, row.key, row.counter)
        | {"messages": [described(message) for message in decode(plain, row.direction)]}
        for row in GOOD
        for plain in [plaintext_of(row)]
    ]


def _bad_frames() -> list[Any]:
    base = next(row for row in GOOD if row.name == "one value")
    frame = frame_of(plaintext_of(base), Direction.UP, Key.A, 1)
    return [
        {
            "name": row.name,
            "frame": (frame[:first] + bytes.fromhex(change) + frame[end:]).hex(),
            "error": {"stage": row.stage, "offset": row.offset, "reason": row.reason},
        }
        for row in BAD_FRAMES
        for first, end, change in [row.change]
    ]


def _bad_plaintexts() -> list[Any]:
    return [
        _sealed(row.name, bytes.fromhex(row.raw), row.direction, row.key, 5)
        | {"error": {"stage": row.stage, "offset": row.offset, "reason": row.reason}}
        for row in BAD_PLAINTEXTS
    ]


def _replays() -> list[Any]:
    rows = []
    for name, counters in _REPLAYS.items():
        window, verdicts = Window(), []
        for counter in counters:
            verdict, window = accept(window, counter)
            verdicts.append(str(verdict))
        rows.append({"name": name, "counters": counters, "verdicts": verdicts})
    return rows


def vectors() -> dict[str, Any]:
    return {
        "about": "Test vectors of the Readout universal protocol, version 1. See protocol.md.",
        "device": {"label": "RDO-0000001234", "id": DEVICE.hex()},
        "keys": {key.name.lower(): secret.hex() for key, secret in KEYS.items()},
        "claim_secret": secret_text(DEVICE, KEYS[Key.CLAIM]),
        "good": _good(),
        "bad": [*_bad_frames(), *_bad_plaintexts()],
        "replay": _replays(),
    }


def documents() -> dict[Path, str]:
    """Each file that this script keeps, with what it should hold."""
    from .document_parts import filled

    text = json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"
    return {VECTORS_FILE: text, PROTOCOL_FILE: filled(PROTOCOL_FILE.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.name}: {len(text)} characters\n")
