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

    from ingestion.pipeline import Known

    from .devices import ForeignDevice
    from .messages import Message
    from .types import ForeignType

__all__ = ["Verdict", "alternatives", "judge"]

_Readings = dict[str | int, Telegram | None]
# Kinds that read a message in one way, whosever it is.
_PLAIN = frozenset({"mbus", "json", "senml"})
_DLMS = frozenset({"cosem", "obis_text"})
_UNREAD = "not looked into: this network sends too much that nobody knows"
# Selectors of a module's keys → what decoders call them.
_KEYS = ("encryption", "authentication")


class Verdict(NamedTuple):
    """What became of a message.

    identity: who speaks, "" where no type recognises the message, None for a spoilt frame of ours.
    row: of the module in the registry, −1 unknown. decoded: None where there is a reason.
    """

    reason: Reason | None
    detail: str
    identity: str | None
    row: int = -1
    decoded: Decoded | None = None


class _Heard(NamedTuple):
    """A type that knows who speaks; telegram: None where the codec refuses the rest."""

    type: ForeignType
    identity: Identity
    telegram: Telegram | None

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
    named: _Heard | None = None
    spoilt: _Heard | None = None
    readings: _Readings = {}
    for one in foreign.in_order(message):
        heard = _heard(one, message, readings)
        if heard is None:
            continue
        devices = _devices(heard, known)
        if devices and heard.telegram is not None:
            if live:
                foreign.hint(message.source, one.id)
            return _of_device(heard, devices, message, known, memories)
        if devices:
            spoilt = spoilt or heard
        elif heard.telegram is not None or one.topic is not None:
            named = _likelier(named, heard)
    if spoilt is not None:
        return _of_device(spoilt, _devices(spoilt, known), message, known, memories)
    if live:
        foreign.note_stranger(message)
    return _of_nobody(named, message)


def _likelier(before: _Heard | None, heard: _Heard) -> _Heard:
    """The first that was read; the first of all where none was."""
    if before is None or (before.telegram is None and heard.telegram is not None):
        return heard
    return before


def _of_nobody(named: _Heard | None, message: Message) -> Verdict:
    if named is not None:
        return Verdict(Reason.UNKNOWN_DEVICE, f"{named.type.code}, {named.text}", named.text)
    if looks_like_ours(message.payload):
        return Verdict(Reason.MALFORMED, "", None)
    return Verdict(Reason.UNKNOWN_DEVICE, "", "")


def _heard(one: ForeignType, message: Message, readings: _Readings) -> _Heard | None:
    """readings: what was read of this message already, by `ForeignType.reader`."""
    if one.reader not in readings:
        readings[one.reader] = _read(one, message)
    telegram = readings[one.reader]
    if telegram is None and not one.told_by_way:
        return None
    arrival = _arrival(one, message)
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
    return _Heard(one, identity, telegram)


def _read(one: ForeignType, message: Message) -> Telegram | None:
    """None where it can't be read, or says nothing at all."""
    try:
        telegram = one.compiled.decoder(message.payload, _arrival(one, message))
    except DecodeError:
        return _ciphered(one, message.payload)
    return telegram if telegram.items else None


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


def _devices(heard: _Heard, known: Known) -> Sequence[ForeignDevice]:
    for value in alternatives(heard.identity.scheme, heard.identity.value):
        found = known.foreign.find(heard.type.id, value)
        if found:
            return found
    return ()


def _of_device(
    heard: _Heard,
    devices: Sequence[ForeignDevice],
    message: Message,
    known: Known,
    memories: dict[int, dict[str, Any]] | None,
) -> Verdict:
    """Of several companies that entered the device the first that may hear of it counts."""
    rows = [int(np.searchsorted(known.devices.device, -one.module)) for one in devices]
    refusals = [_refusal(row, message, known) for row, one in zip(rows, devices, strict=True)]
    place = next((at for at, refusal in enumerate(refusals) if refusal is None), 0)
    device, row = devices[place], rows[place]
    if refusals[place] is not None:
        return Verdict(refusals[place], "", heard.text, row)
    keys = {
        name: key
        for selector, name in enumerate(_KEYS)
        if (key := known.devices.key(row, selector)) is not None
    }
    foreign = known.foreign
    memory = foreign.memory(device.module) if memories is None else memories.setdefault(row, {})
    arrival = _arrival(heard.type, message, keys=keys, config=device.config, memory=memory)
    compiled = heard.type.compiled
    try:
        if heard.telegram is not None and heard.type.kind in _PLAIN:
            decoded = compiled.meaning(heard.telegram, arrival)
        else:
            decoded = compiled.decode(message.payload, context=arrival)
    except DecodeError as error:
        return Verdict(_why(heard, keys), f"{heard.type.code}: {error}", heard.text, row)
    return Verdict(None, "", heard.text, row, decoded)


def _refusal(row: int, message: Message, known: Known) -> Reason | None:
    devices = known.devices
    if not devices.flags[row] & Flag.ACTIVE:
        return Reason.BLOCKED
    if not known.companies.allows(int(devices.company[row]), message.address):
        return Reason.FOREIGN_SOURCE
    return None


def _why(heard: _Heard, keys: Mapping[str, bytes]) -> Reason:
    """A message that was closed without a key is refused for its key, or for the want of one."""
    unread = heard.telegram.identity.get("unread", "") if heard.telegram else ""
    if "key" not in unread:
        return Reason.UNDECODABLE
    return Reason.WRONG_KEY if "encryption" in keys else Reason.NO_KEY


def _arrival(
    one: ForeignType,
    message: Message,
    *,
    keys: Mapping[str, bytes] | None = None,
    config: Mapping[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
) -> Arrival:
    return Arrival(
        transport=one.way(message) or "",
        topic=message.topic,
        source=message.address,
        keys=keys or {},
        received_at=datetime.fromtimestamp(message.received_at / 1_000_000, UTC),
        config=config or {},
        memory=memory,
    )
