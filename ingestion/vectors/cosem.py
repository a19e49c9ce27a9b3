"""Published COSEM pushes against the decoder: amshan's lists and HDLC streams, ciphered datagrams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ingestion.codecs.cosem import CounterWatch, HdlcFrame, HdlcReader, Keys, decode_cosem
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram

from .han_fields import han_faults
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome
from .p1 import compare_texts

__all__ = ["compare"]


def compare(vector_file: Mapping[str, Any]) -> Iterable[Outcome]:
    """Outcomes of dlms_han_amshan.json (its P1 texts too) and dlms_udp_push.json."""
    for vector in vector_file.get("cosem_push", ()):
        yield _push(vector)
    for vector in vector_file.get("hdlc_streams", ()):
        faults = list(_stream_faults(vector))
        yield Outcome(str(vector["name"]), DIFFERENT if faults else EQUAL, "; ".join(faults))
    yield from compare_texts(vector_file)
    yield from _datagrams(vector_file.get("vectors", ()))


def _push(vector: Mapping[str, Any]) -> Outcome:
    name = f"{vector.get('manufacturer', '')} {vector['name']}".strip()
    try:
        telegram = decode_cosem(bytes.fromhex(vector["payload_hex"]))
    except DecodeError as error:
        return Outcome(name, REFUSED, str(error))
    faults = list(han_faults(telegram, vector["expected"] or {}))
    return Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _stream_faults(vector: Mapping[str, Any]) -> Iterator[str]:
    reader = HdlcReader(transparent=bool(vector["octet_stuffing"]))
    frames = reader.feed(bytes.fromhex(vector["hex"]))
    if len(frames) != len(vector["frames"]):
        yield f"{len(frames)} frames instead of {len(vector['frames'])}"
        return
    for number, (frame, expected) in enumerate(zip(frames, vector["frames"], strict=True), 1):
        yield from (f"frame {number}: {fault}" for fault in _frame_faults(frame, expected))


def _frame_faults(frame: HdlcFrame, expected: Mapping[str, Any]) -> Iterator[str]:
    if frame.is_good_check != expected["is_good_ffc"]:
        yield f"check sequence {'good' if frame.is_good_check else 'wrong'}"
    if frame.is_expected_length != expected["is_expected_length"]:
        yield f"length {len(frame.octets)} of {frame.declared_length}"
    if not frame.is_good:
        return
    information = frame.information.data
    if information.hex() != expected["payload_hex"]:
        yield f"information {information.hex()}"
    # Where the peer gives nothing, nothing is published to compare with.
    if expected["decoded"] is not None:
        telegram = _decoded(information)
        faults = han_faults(telegram, expected["decoded"]) if telegram else ["refused"]
        yield from faults


def _decoded(octets: bytes) -> Telegram | None:
    try:
        return decode_cosem(octets)
    except DecodeError:
        return None


def _datagrams(vectors: Sequence[Mapping[str, Any]]) -> Iterator[Outcome]:
    """Each datagram opened, then the numbers that their counters leave out."""
    watch = CounterWatch()
    missing: list[int] = []
    published: list[int] = []
    for vector in vectors:
        yield _datagram(vector)
        published.append(int(vector["invocation_counter"]))
        missing += watch.see(published[-1]).missing
    if published:
        left_out = sorted({*range(min(published), max(published))} - {*published})
        verdict = EQUAL if missing == left_out else DIFFERENT
        yield Outcome("gap of invocation counters", verdict, f"missing {missing}")


def _datagram(vector: Mapping[str, Any]) -> Outcome:
    name = f"datagram {vector['invocation_counter']}"
    key = str(vector["key_ascii"]).split()[0].encode()
    try:
        telegram = decode_cosem(bytes.fromhex(vector["udp_payload_hex"]), keys=Keys(key, key))
    except DecodeError as error:
        return Outcome(name, REFUSED, str(error))
    faults = list(_datagram_faults(telegram, vector))
    return Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _datagram_faults(telegram: Telegram, vector: Mapping[str, Any]) -> Iterator[str]:
    for key in ("system_title", "invocation_counter"):
        if telegram.identity.get(key) != str(vector[key]):
            yield f"{key} {telegram.identity.get(key)}"
    if bytes.fromhex(vector["plain_apdu_hex"]) not in telegram.octets:
        yield "another plaintext"
    bodies = {telegram.octets[item.start : item.end].hex() for item in telegram.items}
    if vector["body_hex"] not in bodies:
        yield f"another body: {sorted(bodies)}"
