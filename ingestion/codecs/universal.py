"""The universal protocol's plaintext: messages back to back, decoded and encoded one by one.

This is the reference: `universal_batch` gives the same for whole batches, and the worked examples
of docs/protocol.md are made with it. A plaintext is taken or refused as a whole.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence

from . import universal_down, universal_up
from .errors import DecodeError
from .reader import Reader
from .universal_frame import HEADER_BYTES, MAX_FRAME_BYTES, TAG_BYTES, Direction, Key
from .universal_messages import Acknowledgement, Hello, Message, NewKey

__all__ = ["MAX_PLAINTEXT_BYTES", "check_key_use", "decode", "decode_placed", "encode"]

MAX_PLAINTEXT_BYTES = MAX_FRAME_BYTES - HEADER_BYTES - TAG_BYTES
_READERS: dict[Direction, Mapping[int, Callable[[Reader, int], Message]]] = {
    Direction.UP: universal_up.READERS,
    Direction.DOWN: universal_down.READERS,
}
_ENCODERS = {Direction.UP: universal_up.ENCODERS, Direction.DOWN: universal_down.ENCODERS}


def decode(plaintext: bytes, direction: Direction = Direction.UP) -> tuple[Message, ...]:
    """All messages of a plaintext, at least one; DecodeError when any byte is wrong."""
    return tuple(message for _, message in decode_placed(plaintext, direction))


def decode_placed(
    plaintext: bytes, direction: Direction = Direction.UP
) -> list[tuple[int, Message]]:
    """The same, each with the offset of its first byte."""
    if not plaintext:
        raise DecodeError(0, "the plaintext is empty")
    return list(_messages(Reader(plaintext), direction))


def _messages(reader: Reader, direction: Direction) -> Iterator[tuple[int, Message]]:
    readers = _READERS[direction]
    while reader.left:
        start = reader.offset
        first = reader.unsigned(1, "the kind")
        read = readers.get(first & 0x0F)
        if read is None:
            raise DecodeError(start, f"message kind {first & 0x0F} is unknown")
        yield start, read(reader, first >> 4)


def encode(messages: Sequence[Message], direction: Direction = Direction.UP) -> bytes:
    """The plaintext of messages. ValueError for what decoding would not give back."""
    encoders = _ENCODERS[direction]
    try:
        parts = [encoders[type(message)](message) for message in messages]
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a field does not fit its place: {error}") from error
    except KeyError as error:
        raise ValueError(f"{error} does not go {direction.name.lower()}") from error
    plaintext = b"".join(parts)
    if decode(plaintext, direction) != tuple(messages):
        raise ValueError("a field does not fit its place: it would be read back differently")
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise ValueError(f"{len(plaintext)} bytes, a frame holds {MAX_PLAINTEXT_BYTES}")
    return plaintext


def check_key_use(key: Key, placed: Sequence[tuple[int, Message]]) -> None:
    """The claim key seals nothing but the claim, and the claim nothing but the claim key."""
    for offset, message in placed:
        claim = isinstance(message, Hello | NewKey) and message.claim_nonce is not None
        if claim and key is not Key.CLAIM:
            raise DecodeError(offset, "a claim nonce under an operating key")
        if key is Key.CLAIM and not claim and not isinstance(message, Acknowledgement):
            raise DecodeError(offset, "the claim key seals only a claim and its answer")
        if isinstance(message, NewKey) and message.selector is key:
            raise DecodeError(offset, "the new key is for the selector that seals it")
