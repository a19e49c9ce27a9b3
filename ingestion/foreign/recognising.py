"""Whose message it is, and what it says: by the types that may read it, the surest first.

A type takes a message when its codec reads it, the telegram agrees with what the type says of its
devices, and it tells who speaks. The first type that has a module of that identity counts; where
none has, the first that recognised it names the device that is not entered yet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram
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
    error: str

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
    heard = [
        found
        for one in known.foreign.types.of(message)
        if (found := _heard(one, message)) is not None
    ]
    for one in sorted(heard, key=lambda found: found.telegram is None):
        devices = _devices(one, known)
        if devices:
            return _of_device(one, devices, message, known, memories)
    named = next((one for one in heard if one.telegram is not None), None) or next(
        iter(heard), None
    )
    if named is not None:
        return Verdict(Reason.UNKNOWN_DEVICE, f"{named.type.code}, {named.text}", named.text)
    if looks_like_ours(message.payload):
        return Verdict(Reason.MALFORMED, "", None)
    return Verdict(Reason.UNKNOWN_DEVICE, "", "")


def _heard(one: ForeignType, message: Message) -> _Heard | None:
    arrival = _arrival(one, message)
    telegram, said, error = None, Telegram(kind=one.kind, octets=message.payload, items=()), ""
    try:
        said = telegram = one.compiled.decoder(message.payload, arrival)
        if not one.compiled.recognises(telegram, arrival):
            return None
    except DecodeError as refusal:
        error = str(refusal)
    try:
        # What can't be read may still have said by its topic who speaks.
        identity = one.compiled.identity(one.compiled.scope(said, arrival))
    except DecodeError:
        return None
    if identity is None or (identity.scheme == "imei" and not identity.value.isdecimal()):
        return None
    return _Heard(one, identity, telegram, error)


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
    try:
        decoded = heard.type.compiled.decode(message.payload, context=arrival)
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
