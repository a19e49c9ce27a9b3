"""Everything around the data taken off: frames, wrapper, LLC header, blocks, signatures, ciphers.

What is inside is found by looking, layer by layer, whatever order a maker chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..errors import DecodeError
from ..telegram import Item
from .ciphering import CIPHERED_TAGS, Envelope, Keys, opened, read_envelope
from .data import DataReader
from .hdlc import FLAG, HdlcFrame, frames_of, messages_of
from .mbus_frames import MbusFrame, is_mbus, mbus_frames
from .octets import Octets
from .wrapper import WRAPPER_SIZE, is_wrapped, unwrap

__all__ = ["Unpacked", "read_envelopes", "unpack"]

_LLC = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_BLOCK_TRANSFER = 0xE0
_SIGNED = 0xDF
_MOST_LAYERS = 8
MAX_SIZE = 65_536


@dataclass(slots=True)
class Unpacked:
    """What was inside. `shown` is what was received, with plaintext where it was ciphered."""

    shown: bytearray
    messages: list[Octets] = field(default_factory=list)
    layers: list[Item] = field(default_factory=list)
    identity: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)

    def layer(self, name: str, octets: Octets, start: int, end: int, raw: str = "") -> None:
        """Note a piece; places count in `octets`. What is not there (a last flag) is left out."""
        end = min(end, len(octets))
        first, last = octets.span(start, end)
        shown = raw or octets.data[start:end].hex()
        if last > first:
            self.layers.append(Item(name=name, value=None, start=first, end=last, raw=shown))

    def behind(self, octets: Octets, start: int) -> None:
        """Note what stands behind a message and was not read."""
        if start < len(octets):
            self.layer("behind the message", octets, start, len(octets))
            self.warnings.append(f"{len(octets) - start} bytes behind the message were not read.")


def unpack(received: bytes, keys: Keys | None) -> Unpacked:
    """Messages in the clear: APDUs, bare bodies, or texts that were ciphered."""
    result = _started(received)
    _peel_all(received, result, keys, look_only=False)
    return result


def read_envelopes(received: bytes) -> tuple[Envelope, ...]:
    """Who ciphered a message, with which counter, before a key is known; empty in the clear."""
    result = _started(received)
    _peel_all(received, result, None, look_only=True)
    return tuple(result.envelopes)


def _started(received: bytes) -> Unpacked:
    if not received:
        raise DecodeError(0, "no bytes")
    if len(received) > MAX_SIZE:
        raise DecodeError(MAX_SIZE, f"{len(received)} bytes at once; {MAX_SIZE} are allowed")
    return Unpacked(bytearray(received))


def _peel_all(received: bytes, result: Unpacked, keys: Keys | None, *, look_only: bool) -> None:
    peeler = _Peeler(result, keys, look_only=look_only)
    for octets in _framed(received, result):
        peeler.peel(octets, 0)


def _framed(received: bytes, result: Unpacked) -> Iterable[Octets]:
    """The contents of link layer frames, or the bytes themselves where there are none."""
    frames = _hdlc(received)
    if frames:
        return _note_frames(frames, received, result)
    if is_mbus(received):
        return _note_mbus(list(mbus_frames(received)), result)
    return [Octets.received(received)]


def _hdlc(received: bytes) -> list[HdlcFrame]:
    """Good frames that carry something; a flag at the start promises some."""
    if FLAG not in received:
        return []
    found: list[HdlcFrame] = []
    for transparent in (False, True):
        frames = frames_of(received, transparent=transparent)
        good = [frame for frame in frames if frame.is_good and frame.has_information]
        if good:
            return good
        found += frames
    if received[0] != FLAG:
        return []
    if not found:
        raise DecodeError(0, "no HDLC frame between the flags")
    bad = next((frame for frame in found if not frame.is_good), None)
    raise bad.complaint if bad else DecodeError(0, "no HDLC frame carries information")


def _note_frames(frames: list[HdlcFrame], received: bytes, result: Unpacked) -> list[Octets]:
    whole = Octets.received(received)
    for frame in frames:
        start, end = frame.octets.span(0, len(frame.octets))
        for place in (start - 1, end):
            result.layer("HDLC flag", whole, place, place + 1)
        for name, first, last in frame.layers():
            result.layer(name, frame.octets, first, last)
    messages = list(messages_of(frames))
    if not messages:
        raise DecodeError(0, "the last HDLC segment is missing")
    return messages


def _note_mbus(frames: list[MbusFrame], result: Unpacked) -> list[Octets]:
    whole = Octets.received(bytes(result.shown))
    for frame in frames:
        first, last = frame.data.span(0, len(frame.data))
        result.layer("M-Bus header", whole, frame.start, first)
        result.layer("M-Bus checksum and stop", whole, last, frame.end)
    if not frames[-1].is_last:
        raise DecodeError(frames[-1].start, "the last M-Bus segment is missing")
    messages, parts = [], []
    for frame in frames:
        parts.append(frame.data)
        if frame.is_last:
            messages.append(Octets.joined(parts))
            parts = []
    return messages


class _Peeler:
    """Takes off what surrounds one message, layer by layer."""

    def __init__(self, result: Unpacked, keys: Keys | None, *, look_only: bool) -> None:
        self._result = result
        self._keys = keys
        self._look_only = look_only

    def peel(self, octets: Octets, depth: int) -> None:
        if depth > _MOST_LAYERS:
            raise DecodeError(octets.place(0), "layers within layers without end")
        if not len(octets):
            raise DecodeError(octets.place(0), "a frame without content")
        step = self._step(octets.data)
        if step is None:
            self._result.messages.append(octets)
            return
        with octets.placed():
            inner = step(octets)
        for piece in inner:
            self.peel(piece, depth + 1)

    def _step(self, octets: bytes) -> Callable[[Octets], list[Octets]] | None:
        if octets[:3] in _LLC:
            return self._llc
        if is_wrapped(octets):
            return self._wrapper
        return self._tagged.get(octets[0])

    @property
    def _tagged(self) -> dict[int, Callable[[Octets], list[Octets]]]:
        ciphered = dict.fromkeys(CIPHERED_TAGS, self._ciphered)
        return {**ciphered, _BLOCK_TRANSFER: self._block, _SIGNED: self._signed}

    def _llc(self, octets: Octets) -> list[Octets]:
        self._result.layer("LLC header", octets, 0, 3)
        return [octets.cut(3)]

    def _wrapper(self, octets: Octets) -> list[Octets]:
        """All wrapped messages of a stream."""
        inner, start = [], 0
        while is_wrapped(octets.data, start):
            wrapped = unwrap(octets, start)
            ports = f"{wrapped.source} → {wrapped.destination}"
            self._result.layer("wrapper header", octets, start, start + WRAPPER_SIZE, ports)
            inner.append(wrapped.apdu)
            start = wrapped.end
        self._result.behind(octets, start)
        return inner

    def _block(self, octets: Octets) -> list[Octets]:
        """General block transfer: a single block that is the last."""
        reader = DataReader(octets.data, 1)
        control = reader.unsigned(1, "the block control byte")
        number = reader.unsigned(2, "the block number")
        reader.unsigned(2, "the block acknowledged")
        size = reader.count("the block")
        if not control & 0x80 or number != 1:
            raise DecodeError(1, f"block {number} of a longer transfer")
        self._result.layer("block transfer header", octets, 0, reader.offset)
        start = reader.offset
        reader.take(size, "the block")
        return [octets.cut(start, start + size)]

    def _signed(self, octets: Octets) -> list[Octets]:
        reader = DataReader(octets.data, 1)
        for what in ("transaction id", "originator", "recipient", "date-time", "information"):
            reader.octet_string(f"the {what}")
        size = reader.count("the signed content")
        start = reader.offset
        reader.take(size, "the signed content")
        self._result.layer("signature header", octets, 0, start)
        self._result.layer("signature", octets, start + size, len(octets))
        self._result.warnings.append("The signature of the message was not verified.")
        return [octets.cut(start, start + size)]

    def _ciphered(self, octets: Octets) -> list[Octets]:
        envelope = read_envelope(octets)
        title = envelope.title or (self._keys.system_title if self._keys else b"")
        self._result.envelopes.append(envelope)
        self._result.identity |= _sender(title, envelope.counter)
        if self._look_only:
            return []
        if self._keys is None:
            reason = (
                f"ciphered by {title.hex() or 'a device without system title'}: a key is needed"
            )
            raise DecodeError(envelope.start, reason)
        plain = opened(envelope, self._keys)
        for place, octet in zip(plain.places, plain.data, strict=True):
            self._result.shown[place] = octet
        self._note_envelope(octets, envelope)
        return [plain]

    def _note_envelope(self, octets: Octets, envelope: Envelope) -> None:
        layer = self._result.layer
        layer("ciphering header", octets, 0, envelope.start)
        layer("security control", octets, envelope.start, envelope.start + 1)
        start = envelope.start + 1
        layer("invocation counter", octets, start, start + 4, str(envelope.counter))
        layer("authentication tag", octets, envelope.end - len(envelope.tag), envelope.end)
        self._result.behind(octets, envelope.end)


def _sender(title: bytes, counter: int) -> dict[str, str]:
    """A system title starts with the three letters of the maker."""
    sender = {"system_title": title.hex(), "invocation_counter": str(counter)} if title else {}
    letters = title[:3]
    if len(letters) == 3 and letters.isalpha() and letters.isascii():
        sender["manufacturer"] = letters.decode()
    return sender
