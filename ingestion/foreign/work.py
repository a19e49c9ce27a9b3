"""A batch of foreign messages on its way: judged, decoded, resolved to values of channels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.errors import DecodeError
from ingestion.inspection import recognise
from ingestion.loader import Readings
from ingestion.models import Reason
from ingestion.pipeline import Work, context_of
from ingestion.regridding import day_of
from ingestion.values import Collected, profiles, snapshots
from meters.models import Quality

from .columns import Said, columns_of
from .messages import UNRECOGNISED
from .together import judged_together
from .uplinks import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.codecs.columns import Batch
    from ingestion.decoding import Decoded
    from ingestion.pipeline import Known

    from .columns import Instant, Spoken
    from .lane_columns import Spoke
    from .messages import Message
    from .recognising import Verdict

__all__ = ["ForeignWork", "Resolved", "resolved", "work_of"]

# A message of a device without a clock that comes again within so long is the same one.
_AGAIN_MICROSECONDS = 60_000_000
_DIGEST = 8
_STRANGE = "no published device type recognises it; it looks like %s"
_UNKNOWN_PROTOCOL = "none of the known protocols"


@dataclass(slots=True, eq=False)
class ForeignWork(Work):
    """new: messages that were decoded; repeated: the same that was stored a moment ago.

    spoken: what messages say that were read together. identities: who speaks, as
    `Verdict.identity`, a message each.
    """

    messages: Sequence[Message] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    spoken: list[Spoke] = field(default_factory=list)

    @property
    def identities(self) -> list[str | None]:
        return [verdict.identity for verdict in self.verdicts]

    def label(self, frame: int) -> str:
        identity = self.verdicts[frame].identity
        return UNRECOGNISED if identity == "" else identity or ""

    def why(self, frame: int) -> str:
        verdict = self.verdicts[frame]
        if verdict.identity == "" and not verdict.detail:
            return _STRANGE % _protocol(self.messages[frame].payload)
        return verdict.detail or Work.why(self, frame)

    def digest(self, frame: int) -> bytes:
        """The same for every document that brings the same uplink."""
        uplink = self.verdicts[frame].uplink
        said = self.payloads[frame]
        if uplink is not None:
            said = f"{uplink.dev_eui} {uplink.port} {uplink.counter} ".encode() + uplink.payload
        return hashlib.blake2b(said, digest_size=_DIGEST).digest()


def _protocol(payload: bytes) -> str:
    """Found out only for messages that are kept."""
    try:
        return recognise(payload).kind
    except DecodeError:
        return _UNKNOWN_PROTOCOL


class Resolved(NamedTuple):
    """Values of channels, and the columns they were made from; frames by place in `work.new`."""

    collected: Collected
    columns: Batch


def work_of(
    messages: Sequence[Message],
    known: Known,
    *,
    memories: dict[int, dict[str, Any]] | None = None,
) -> ForeignWork:
    """Every message judged. memories: of messages of long ago, which repeat nothing."""
    together, spoken = judged_together(messages, known) if memories is None else ({}, [])
    verdicts = [
        together.get(place) or judge(message, known, memories=memories)
        for place, message in enumerate(messages)
    ]
    count = len(messages)
    work = ForeignWork(
        [message.payload for message in messages],
        [message.source for message in messages],
        np.array([verdict.row for verdict in verdicts], np.int64),
        np.zeros(count, np.uint64),
        np.zeros(count, np.uint8),
        np.full(count, -1, np.int64),
        np.zeros(count, np.uint8),
        messages=messages,
        verdicts=verdicts,
        spoken=spoken,
    )
    for place, verdict in enumerate(verdicts):
        if verdict.reason is not None:
            work.refuse(np.array([place]), verdict.reason)
    again = np.zeros(count, np.bool_)
    if memories is None:
        again[:] = [_again(work, place, known) for place in range(count)]
    # Of nobody, and refused for nothing: there is nothing to read in it.
    good = (work.reason == 0) & (work.row >= 0)
    work.new, work.repeated = np.flatnonzero(good & ~again), np.flatnonzero(good & again)
    return work


def _again(work: ForeignWork, place: int, known: Known) -> bool:
    """A copy on the network, or one that a broker delivers twice; those with a clock merge."""
    verdict = work.verdicts[place]
    if verdict.reason is not None or verdict.row < 0 or verdict.is_of_its_time:
        return False
    module = int(known.devices.module[verdict.row])
    digest, at = known.foreign.recent.get(module, (b"", 0))
    near = abs(work.messages[place].received_at - at) < _AGAIN_MICROSECONDS
    return near and digest == work.digest(place)


def resolved(work: ForeignWork, known: Known) -> Resolved:
    """What the decoded messages are worth to the archive, by the rules of all protocols."""
    collected = Collected()
    said = []
    for place, frame in enumerate(work.new.tolist()):
        verdict, message = work.verdicts[frame], work.messages[frame]
        if verdict.decoded is None:
            continue
        module = int(known.devices.module[verdict.row])
        company = int(known.devices.company[verdict.row])
        at = message.received_at // 1_000_000
        said.append(Said(place, verdict.decoded, module, company, at))
        lacking = _lacking(verdict.decoded)
        if lacking:
            collected.refused[place][Reason.UNDECODABLE] = lacking
    places = np.full(len(work), -1, np.int64)
    places[work.new] = np.arange(len(work.new))
    others = [one.placed(places[one.frame]) for one in work.spoken]
    spoken = columns_of(said, known.routes, known.companies.zones, others)
    if len(work.new):
        context = context_of(work, known)
        profiles(spoken.batch, context, collected)
        snapshots(spoken.batch, context, collected)
        _add_instants(work, spoken.instants, known, collected)
    _name(collected, spoken)
    for place, detail in spoken.left_out.items():
        collected.refused[place].setdefault(Reason.OFF_GRID, detail)
    return Resolved(collected, spoken.batch)


def _lacking(decoded: Decoded) -> str:
    """Why a message says nothing though it was read: mostly what its installation has to tell."""
    if decoded.readings or decoded.series:
        return ""
    return "; ".join(decoded.warnings[len(decoded.telegram.warnings) :])


def _add_instants(
    work: ForeignWork, instants: Sequence[Instant], known: Known, collected: Collected
) -> None:
    """Diagnostics of modules, for the channels that their types name."""
    if not instants or not len(known.modules.module):
        return
    frame, place, value, at = (np.array(column, np.int64) for column in zip(*instants, strict=True))
    device = work.row[work.new[frame]]
    row = known.modules.find(known.devices.module[device])
    told = np.flatnonzero((row >= 0) & (known.modules.channel[row, place] != 0))
    if not len(told):
        return
    frame, place, value, at, row = (part[told] for part in (frame, place, value, at, row))
    interval = known.modules.interval[row, place]
    begins, _length = day_of(at, known.devices.company[device[told]], known.companies.zones)
    step = interval.astype(np.int64) * 60
    collected.readings.append(
        Readings(
            channel=known.modules.channel[row, place],
            start=begins + (at - begins) // step * step,
            interval_minutes=interval,
            value=value,
            quality=np.full(len(told), Quality.VALID, np.uint8),
            frame=frame.astype(np.int32),
        )
    )


def _name(collected: Collected, spoken: Spoken) -> None:
    """Numbers of registers say nothing to people: their names in the reasons."""
    for reasons in collected.refused.values():
        for reason, detail in reasons.items():
            head, found, number = detail.rpartition("register ")
            if found and number.isdecimal():
                reasons[reason] = f"{head}register {spoken.names.get(int(number), number)}"
