"""Whose message it is, and what it says: by the types that may read it, the surest first.

A type takes a message when its codec reads it, the telegram agrees with what the type says of its
devices, and it tells who speaks. The first type that has a module of that identity counts; where
none has, the first that recognised it names the device that is not entered yet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.cosem import read_envelopes
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item, Telegram
from ingestion.decoding import Arrival, Decoded, Identity
from ingestion.models import Reason
from ingestion.registry import Flag

from .messages import identity_text, looks_like_ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestion.codecs.lorawan import Uplink
    from ingestion.pipeline import Known

    from .devices import Foreign, ForeignDevice
    from .messages import Message
    from .types import ForeignType

__all__ = [
    "Counted",
    "Heard",
    "Verdict",
    "alternatives",
    "arrival_of",
    "decoded_of",
    "devices_of",
    "judge",
    "speaker",
]

# What was read of a message, and what the reading taught its decoder.
_Taught = dict[str, Any]
_Readings = dict[str | int, tuple[Telegram | None, _Taught]]
# Kinds that read a message in one way, whosever it is; and those that do where it is not closed.
_PLAIN = frozenset({"mbus", "json", "senml", "obis_text", "cosem"})
_DLMS = frozenset({"cosem", "obis_text"})
_UNREAD = "not looked into: this network sends too much that nobody knows"
_NOTHING: _Taught = {}
# Bytes that name who speaks, where the address stands in the clear.
_HEAD = 11
# Selectors of a module's keys → what decoders call them.
_KEYS = ("encryption", "authentication")


class Counted(NamedTuple):
    """A counter of a protocol; sealed: nobody without the key can have made the number.

    radio: the frame counter of LoRaWAN, which the network has checked; heard: when it heard it,
    Unix microseconds, None where it does not say.
    """

    number: int
    sealed: bool
    radio: bool = False
    heard: int | None = None

    @classmethod
    def of(cls, number: int | None, *, sealed: bool) -> Counted | None:
        """None where it is no counter of 32 bits."""
        return cls(number, sealed) if number is not None and 0 <= number < 1 << 32 else None

    @classmethod
    def by(cls, decoded: Decoded) -> Counted | None:
        """DLMS: of a ciphered message. M-Bus: of one whose code was checked. Else the type's own."""
        said = decoded.telegram.identity
        number = said.get("invocation_counter")
        if number is None and said.get("authenticated") == "yes":
            number = said.get("message_counter")
        if number is None:
            return cls.of(decoded.sequence, sealed=False)
        return cls.of(int(number), sealed=True)


class Verdict(NamedTuple):
    """What became of a message.

    identity: who speaks, "" where no type recognises the message, None for a spoilt frame of ours.
    row: of the module in the registry, −1 unknown. decoded: None where there is a reason, or the
    message was read together with others. is_of_its_time: all that it says has a time that it says.
    uplink: what a network server said around it; where there is neither row nor reason, there is
    nothing to read.
    """

    reason: Reason | None
    detail: str
    identity: str | None
    row: int = -1
    decoded: Decoded | None = None
    is_of_its_time: bool = False
    counted: Counted | None = None
    uplink: Uplink | None = None


class Heard(NamedTuple):
    """A type that knows who speaks; telegram: None where the codec refuses the rest.

    taught: what its decoder would remember of it.
    """

    type: ForeignType
    identity: Identity
    telegram: Telegram | None
    taught: _Taught = _NOTHING

    @property
    def text(self) -> str:
        return identity_text(self.identity.scheme, self.identity.value)


def alternatives(scheme: str, value: str) -> list[str]:
    """How a module of that identity may have been entered.

    An M-Bus number without its maker, an IMEI without the zero that fills its last byte.
    """
    if scheme == "mbus":
        return [value, value.rpartition("-")[2]]
    return [value, value.lstrip("0")] if scheme == "imei" else [value]


def judge(
    message: Message, known: Known, *, memories: dict[int, dict[str, Any]] | None = None
) -> Verdict:
    """memories: of decoders, instead of those of what comes now (for messages of long ago)."""
    foreign, live = known.foreign, memories is None
    if live and not foreign.is_worth_reading(message):
        return Verdict(Reason.UNKNOWN_DEVICE, _UNREAD, "")
    if live and (before := _as_before(message, known)) is not None:
        return before
    named: Heard | None = None
    spoilt: Heard | None = None
    readings: _Readings = {}
    for one in foreign.in_order(message):
        heard = _within_time(one, message, readings, foreign)
        if heard is None:
            continue
        devices = devices_of(heard, known)
        if devices and heard.telegram is not None:
            if live:
                foreign.hint(message.sender, one.id)
                foreign.breaker.heard(one, message.sender, heard.identity)
            return decoded_of(heard, devices, message, known, memories)
        if devices:
            spoilt = spoilt or heard
        elif heard.telegram is not None or one.topic is not None:
            named = _likelier(named, heard)
    if spoilt is not None:
        return decoded_of(spoilt, devices_of(spoilt, known), message, known, memories)
    if live:
        foreign.note_stranger(message)
    return _of_nobody(named, message)


def _within_time(
    one: ForeignType, message: Message, readings: _Readings, foreign: Foreign
) -> Heard | None:
    """As `_heard`; a type that is set aside reads nothing, only its way and source tell who speaks."""
    if foreign.breaker.why_aside(one, 0):
        identity = foreign.breaker.speaker(one, message.sender)
        if identity is not None:
            return Heard(one, identity, None)
        return _heard(one, message, {one.reader: (None, _NOTHING)})
    if isinstance(one.reader, str):
        # What a codec takes that all types of a kind share is not the doing of this one.
        return _heard(one, message, readings)
    return foreign.breaker.timed(one, 0, lambda: _heard(one, message, readings))


def _likelier(before: Heard | None, heard: Heard) -> Heard:
    """The first that was read; the first of all where none was."""
    if before is None or (before.telegram is None and heard.telegram is not None):
        return heard
    return before


def _of_nobody(named: Heard | None, message: Message) -> Verdict:
    if named is not None:
        return Verdict(Reason.UNKNOWN_DEVICE, f"{named.type.code}, {named.text}", named.text)
    if looks_like_ours(message.payload):
        return Verdict(Reason.MALFORMED, "", None)
    return Verdict(Reason.UNKNOWN_DEVICE, "", "")


def _heard(one: ForeignType, message: Message, readings: _Readings) -> Heard | None:
    """readings: what was read of this message already, by `ForeignType.reader`."""
    if one.reader not in readings:
        readings[one.reader] = _read(one, message)
    telegram, taught = readings[one.reader]
    if telegram is None and not one.told_by_way:
        return None
    arrival = arrival_of(one, message)
    said = telegram or Telegram(kind=one.kind, octets=message.payload, items=())
    if telegram is not None and not one.compiled.recognises(telegram, arrival):
        return None
    try:
        # What can't be read may still have said by its topic who speaks.
        identity = one.compiled.identity(one.compiled.scope(said, arrival))
    except DecodeError:
        return None
    if identity is None or (identity.scheme == "imei" and not identity.value.isdecimal()):
        return None
    return Heard(one, identity, telegram, taught)


def _read(one: ForeignType, message: Message) -> tuple[Telegram | None, _Taught]:
    """None where it can't be read, or says nothing at all."""
    taught: _Taught = {}
    try:
        telegram = one.compiled.decoder(message.payload, arrival_of(one, message, memory=taught))
    except DecodeError:
        return _ciphered(one, message.payload), taught
    return (telegram if telegram.items else None), taught


def _ciphered(one: ForeignType, payload: bytes) -> Telegram | None:
    """A ciphered DLMS message as far as it can be read without a key: who sent it."""
    if one.kind not in _DLMS:
        return None
    try:
        titles = [envelope.title.hex() for envelope in read_envelopes(payload) if envelope.title]
    except DecodeError:
        return None
    if not titles:
        return None
    identity = {"system_title": titles[0], "unread": "ciphered; no key is given"}
    closed = Item(name="ciphered", value=payload)
    return Telegram(kind=one.kind, octets=payload, items=(closed,), identity=identity)


def devices_of(heard: Heard, known: Known) -> Sequence[ForeignDevice]:
    """Modules of the type that may be meant by who speaks."""
    for value in alternatives(heard.identity.scheme, heard.identity.value):
        found = known.foreign.find(heard.type.id, value)
        if found:
            return found
    return ()


def decoded_of(
    heard: Heard,
    devices: Sequence[ForeignDevice],
    message: Message,
    known: Known,
    memories: dict[int, dict[str, Any]] | None,
) -> Verdict:
    """What the first of the modules says that may be heard of."""
    device, row, refusal = speaker(devices, message, known)
    if refusal is not None:
        return Verdict(refusal, "", heard.text, row)
    keys, foreign = _keys_of(row, known), known.foreign
    company = int(known.devices.company[row])
    if why := foreign.breaker.why_aside(heard.type, company):
        return Verdict(Reason.TOO_SLOW, why, heard.text, row)
    memory = foreign.memory(device.module) if memories is None else memories.setdefault(row, {})
    arrival = arrival_of(heard.type, message, keys=keys, config=device.config, memory=memory)
    read = _is_read(heard, keys, device.config)
    try:
        decoded = foreign.breaker.timed(
            heard.type, company, lambda: _decoded(heard, message, arrival, read=read)
        )
    except DecodeError as error:
        return Verdict(_why(heard, keys), f"{heard.type.code}: {error}", heard.text, row)
    if read:
        _teach(memory, heard.taught)
    if keys and memories is None:
        foreign.remember(message.sender, message.payload[:_HEAD], heard.type, heard.identity)
    return _verdict(heard, row, decoded)


def _decoded(heard: Heard, message: Message, arrival: Arrival, *, read: bool) -> Decoded:
    compiled = heard.type.compiled
    if read and heard.telegram is not None:
        return compiled.meaning(heard.telegram, arrival)
    return compiled.decode(message.payload, context=arrival)


def _verdict(heard: Heard, row: int, decoded: Decoded) -> Verdict:
    own = not heard.type.asks_receipt and not decoded.events
    own = own and all(one.at for one in decoded.readings)
    return Verdict(None, "", heard.text, row, decoded, own, Counted.by(decoded))


def _keys_of(row: int, known: Known) -> dict[str, bytes]:
    return {
        name: key
        for selector, name in enumerate(_KEYS)
        if (key := known.devices.key(row, selector)) is not None
    }


def _as_before(message: Message, known: Known) -> Verdict | None:
    """Opened at once with the key of the module that began a message so, and from there, before.

    None where it is of another one after all, or can't be read: that is told as if it were the
    first.
    """
    foreign = known.foreign
    one, identity = foreign.senders.get((message.sender, message.payload[:_HEAD]), (None, None))
    if one is None or identity is None or not one.may_be(message):
        return None
    heard = Heard(one, identity, None)
    devices = devices_of(heard, known)
    if not devices:
        return None
    device, row, refusal = speaker(devices, message, known)
    company = int(known.devices.company[row])
    if refusal is not None or foreign.breaker.why_aside(one, company):
        return None
    told = {"keys": _keys_of(row, known), "config": device.config}
    arrival = arrival_of(one, message, **told, memory=foreign.memory(device.module))
    try:
        decoded = foreign.breaker.timed(
            one, company, lambda: _decoded(heard, message, arrival, read=False)
        )
    except DecodeError:
        return None
    telegram = decoded.telegram
    agrees = telegram.items and one.compiled.recognises(telegram, arrival)
    return _verdict(heard, row, decoded) if agrees and decoded.identity == identity else None


def speaker(
    devices: Sequence[ForeignDevice], message: Message, known: Known
) -> tuple[ForeignDevice, int, Reason | None]:
    """Of several companies that entered the device the first that may hear of it; its row."""
    rows = [int(np.searchsorted(known.devices.device, -one.module)) for one in devices]
    refusals = [_refusal(row, message, known) for row in rows]
    place = next((at for at, refusal in enumerate(refusals) if refusal is None), 0)
    return devices[place], rows[place], refusals[place]


def _refusal(row: int, message: Message, known: Known) -> Reason | None:
    devices = known.devices
    if not devices.flags[row] & Flag.ACTIVE:
        return Reason.BLOCKED
    if not known.companies.allows(int(devices.company[row]), message.address):
        return Reason.FOREIGN_SOURCE
    return None


def _is_read(heard: Heard, keys: Mapping[str, bytes], config: Mapping[str, Any]) -> bool:
    """Whether what was read to see who speaks is all that there is to read.

    Not where a key opens more, or the installation or the memory of the module tell how to read.
    """
    if heard.telegram is None or "unread" in heard.telegram.identity:
        return False
    kind = heard.type.kind
    if kind == "wmbus":
        return not keys
    if kind == "modbus":
        return "modbus_start" not in config
    return kind in _PLAIN or heard.type.reads_alike


def _teach(memory: dict[str, Any], taught: _Taught) -> None:
    """Formats of frames, by which compact ones are read."""
    learnt = taught.get("formats")
    if learnt is None:
        return
    if "formats" not in memory:
        memory["formats"] = learnt
        return
    for _signature, headers in learnt:
        memory["formats"].learn(headers)


def _why(heard: Heard, keys: Mapping[str, bytes]) -> Reason:
    """A message that was closed without a key is refused for its key, or for the want of one."""
    unread = heard.telegram.identity.get("unread", "") if heard.telegram else ""
    if "key" not in unread:
        return Reason.UNDECODABLE
    return Reason.WRONG_KEY if "encryption" in keys else Reason.NO_KEY


def arrival_of(
    one: ForeignType,
    message: Message,
    *,
    keys: Mapping[str, bytes] | None = None,
    config: Mapping[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
) -> Arrival:
    """How a message came, as a type is told."""
    uplink = message.uplink
    return Arrival(
        transport=one.way(message) or "",
        topic=message.topic,
        port=None if uplink is None else uplink.port,
        device="" if uplink is None else uplink.dev_eui,
        source=message.address,
        keys=keys or {},
        received_at=datetime.fromtimestamp(message.received_at / 1_000_000, UTC),
        config=config or {},
        memory=memory,
    )
