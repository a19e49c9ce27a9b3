"""Messages that a LoRaWAN network server brings: its document around what the module sent by radio.

The module is found by its DevEUI, the type reads the payload with its port, and what the module
gives no time to is of the moment when the network heard it. The message itself stays the whole
document, so that whatever is done with it later begins here again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingestion.codecs.lorawan import JOIN, SpoiltUplink, Uplink, read_uplink
from ingestion.codecs.telegram import Telegram
from ingestion.decoding import Decoded, Identity, Reading
from ingestion.models import Reason

from . import recognising
from .messages import identity_text
from .recognising import Counted, Heard, Verdict, decoded_of, speaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.pipeline import Known

    from .devices import ForeignDevice, Memories
    from .messages import Message
    from .types import ForeignType

__all__ = ["judge"]

_SCHEME = "dev_eui"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Kinds that may read a network server's document as it is, from values the server has decoded.
_READ_DOCUMENTS = frozenset({"json", "senml"})
_OTHER_PORT = "%s: port %s, the type knows %s"
_SIGNAL = "device.signal"
_NOTHING_SAID = Decoded(
    telegram=Telegram(kind="lorawan", octets=b"", items=()),
    readings=(),
    series=(),
    events=(),
    identity=None,
    sequence=None,
    warnings=(),
)


def judge(message: Message, known: Known, *, memories: Memories | None = None) -> Verdict:
    """As `recognising.judge`, which is asked where the message is no network server's document."""
    try:
        uplink = read_uplink(message.payload)
    except SpoiltUplink as error:
        return _of_spoilt(error, message, known, memories)
    if uplink is None:
        return recognising.judge(message, known, memories=memories)
    inner = _inner(message, uplink)
    found = _entered(uplink.dev_eui, inner, known)
    if found is None and _documents_are_read(message, known):
        verdict = recognising.judge(message, known, memories=memories)
        if verdict.row >= 0:
            return verdict
    if uplink.event:
        return _of_event(uplink, found, inner, known)
    if found is None:
        return _of_other(uplink, inner, known, memories)
    return _of_module(uplink, *found, inner, known, memories)


def _inner(message: Message, uplink: Uplink) -> Message:
    """What the module sent, heard when the network says."""
    at = message.received_at if uplink.at is None else _micros(uplink.at)
    return message._replace(payload=uplink.payload, received_at=at, uplink=uplink)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _entered(
    dev_eui: str, inner: Message, known: Known
) -> tuple[ForeignType, Sequence[ForeignDevice]] | None:
    """The modules of that DevEUI, and their type."""
    for one in known.foreign.types.of(inner):
        devices = known.foreign.find(one.id, dev_eui)
        if devices:
            return one, devices
    return None


def _documents_are_read(message: Message, known: Known) -> bool:
    types = known.foreign.types.of(message)
    return any(one.topic is not None or one.kind in _READ_DOCUMENTS for one in types)


def _text(dev_eui: str) -> str:
    return identity_text(_SCHEME, dev_eui) if dev_eui else ""


def _of_spoilt(
    error: SpoiltUplink, message: Message, known: Known, memories: Memories | None
) -> Verdict:
    """Refused with its reason, unless somebody reads the document as it is."""
    detail = f"LoRaWAN uplink, {error}"
    inner = message._replace(payload=b"", uplink=Uplink("", error.dev_eui))
    found = _entered(error.dev_eui, inner, known) if error.dev_eui else None
    if found is not None:
        _device, row, refusal = speaker(found[1], message, known)
        reason = Reason.UNDECODABLE if refusal is None else refusal
        return Verdict(reason, detail, _text(error.dev_eui), row)
    if _documents_are_read(message, known):
        verdict = recognising.judge(message, known, memories=memories)
        if verdict.row >= 0:
            return verdict
    return Verdict(Reason.UNDECODABLE, detail, _text(error.dev_eui))


def _of_event(
    uplink: Uplink,
    found: tuple[ForeignType, Sequence[ForeignDevice]] | None,
    inner: Message,
    known: Known,
) -> Verdict:
    """Nothing to read. That a module joined is stored all the same: its counter begins anew."""
    identity = _text(uplink.dev_eui)
    if found is None or uplink.event != JOIN:
        return Verdict(None, "", identity, uplink=uplink)
    _device, row, refusal = speaker(found[1], inner, known)
    if refusal is not None:
        return Verdict(None, "", identity, uplink=uplink)
    return Verdict(None, "", identity, row, _NOTHING_SAID, True, None, uplink)


def _of_module(
    uplink: Uplink,
    one: ForeignType,
    devices: Sequence[ForeignDevice],
    inner: Message,
    known: Known,
    memories: Memories | None,
) -> Verdict:
    identify = one.compiled.definition.identify
    ports = identify.ports if identify is not None else ()
    if ports and uplink.port is not None and uplink.port not in ports:
        _device, row, refusal = speaker(devices, inner, known)
        reason = Reason.UNDECODABLE if refusal is None else refusal
        detail = _OTHER_PORT % (one.code, uplink.port, ", ".join(map(str, ports)))
        return Verdict(reason, detail, _text(uplink.dev_eui), row, uplink=uplink)
    heard = Heard(one, Identity(scheme=_SCHEME, value=uplink.dev_eui), None)
    return _told(decoded_of(heard, devices, inner, known, memories), uplink, inner)


def _of_other(uplink: Uplink, inner: Message, known: Known, memories: Memories | None) -> Verdict:
    """No module has the DevEUI: perhaps a gateway passes on telegrams that name their meters."""
    verdict = recognising.judge(inner, known, memories=memories)
    if verdict.row >= 0:
        return _told(verdict, uplink, inner)
    identity = verdict.identity or _text(uplink.dev_eui)
    detail = verdict.detail or f"LoRaWAN uplink on port {uplink.port}, no published type reads it"
    return Verdict(Reason.UNKNOWN_DEVICE, detail, identity, uplink=uplink)


def _told(verdict: Verdict, uplink: Uplink, inner: Message) -> Verdict:
    """With the network's time, counter and signal."""
    decoded = verdict.decoded
    if decoded is None:
        return verdict._replace(uplink=uplink)
    counted = verdict.counted
    if uplink.counter is not None and (counted is None or not counted.sealed):
        heard = None if uplink.at is None else inner.received_at
        counted = Counted(uplink.counter, sealed=False, radio=True, heard=heard)
    return verdict._replace(
        decoded=_dated(decoded, uplink),
        is_of_its_time=verdict.is_of_its_time or uplink.at is not None,
        counted=counted,
        uplink=uplink,
    )


def _dated(decoded: Decoded, uplink: Uplink) -> Decoded:
    at = uplink.at
    readings = [one if one.at else replace(one, at=at) for one in decoded.readings]
    events = [one if one.at else replace(one, at=at) for one in decoded.events]
    # Alone it would hide that the message said nothing else.
    says = bool(readings or decoded.series or events)
    if says and uplink.rssi is not None and not any(_is_signal(one) for one in readings):
        readings.append(_signal(uplink))
    return replace(decoded, readings=tuple(readings), events=tuple(events))


def _is_signal(reading: Reading) -> bool:
    return reading.reading_type == _SIGNAL


def _signal(uplink: Uplink) -> Reading:
    """How well the network heard the module, in whole dBm."""
    assert uplink.rssi is not None
    return Reading(
        register="signal",
        reading_type=_SIGNAL,
        tariff=0,
        port=None,
        value=int(uplink.rssi.to_integral_value()),
        said=uplink.rssi,
        unit="dBm",
        at=uplink.at,
        quality="valid",
    )
