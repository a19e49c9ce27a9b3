"""Messages of a batch that are read together: those of known modules that have one shape.

A message goes by its source: the module that sent from there last is of a type that is asked first
anyway. What a lane does not say everything of is judged by itself, with the same result.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.binary import compile_schema
from ingestion.codecs.binary.shapes import shape_of
from ingestion.codecs.errors import DecodeError
from ingestion.decoding import Identity
from ingestion.decoding.lanes import compile_lane

from .columns import Said, columns_of, columns_same
from .lane_columns import Spoke
from .recognising import Counted, Heard, Verdict, arrival_of, devices_of, speaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ingestion.decoding import CompiledType
    from ingestion.decoding.lanes import Lane
    from ingestion.pipeline import Known

    from .devices import ForeignDevice
    from .messages import Message
    from .types import ForeignType

    Ints = NDArray[np.int64]

__all__ = ["Lanes", "judged_together"]

logger = logging.getLogger(__name__)

# Fewer messages are quicker one by one.
_FEWEST = 4
# Shapes of a type: in all, and how often one is looked for in vain.
_MOST_SHAPES, _IN_VAIN = 128, 32
# Values that are worked on at once.
_AT_ONCE = 1_000_000


class Lanes:
    """The lanes of one type that messages have shown so far."""

    def __init__(self, compiled: CompiledType) -> None:
        self._compiled = compiled
        self._by_length: dict[int, list[Lane]] = defaultdict(list)
        self._left, self._vain = _MOST_SHAPES, _IN_VAIN
        layout = compiled.definition.decode.layout
        self._decoder = compile_schema({k: v for k, v in layout.items() if k != "strict"})

    @property
    def found(self) -> int:
        """How many shapes are remembered."""
        return sum(map(len, self._by_length.values()))

    def of(
        self, one: ForeignType, messages: Sequence[Message], known: Known
    ) -> Iterator[tuple[Lane, Ints, NDArray[np.uint8]]]:
        """Lanes, with the places and the bytes of messages that have their shape.

        messages: of one length.
        """
        payloads = [message.payload for message in messages]
        octets = np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), -1)
        good = [place for place, each in enumerate(payloads) if self._decoder.is_summed_up(each)]
        left = np.array(good, np.int64)
        lanes = self._by_length.get(len(payloads[0]), [])
        number = 0
        while len(left):
            if number == len(lanes):
                made = self._found(one, messages[int(left[0])], known)
                if made is None:
                    return
                lanes = self._by_length[len(payloads[0])]
            lane = lanes[number]
            fitting = lane.shape.fits(octets[left])
            if fitting.any():
                yield lane, left[fitting], octets[left[fitting]]
            left = left[~fitting]
            number += 1

    def _found(self, one: ForeignType, message: Message, known: Known) -> Lane | None:
        """The lane of a message that has none yet."""
        if not self._left or not self._vain:
            return None
        shape = shape_of(self._decoder, message.payload)
        lane = compile_lane(self._compiled, shape) if shape is not None else None
        if lane is None or not _agrees(lane, one, message, known):
            self._vain -= 1
            return None
        self._left -= 1
        self._by_length[len(message.payload)].append(lane)
        return lane


def _agrees(lane: Lane, one: ForeignType, message: Message, known: Known) -> bool:
    """Whether a lane says of the message that showed it what is said of it by itself."""
    octets = np.frombuffer(message.payload, np.uint8)[None, :]
    view = lane.view(octets)
    [identity] = lane.identities(view, [message.topic])
    found = devices_of(Heard(one, Identity(scheme=lane.scheme, value=identity), None), known)
    arrival = arrival_of(one, message, config=found[0].config if found else None)
    said = lane.take(view, arrival.config)
    if not said.good.all():
        # Nothing of it is believed, for whatever reason.
        return True
    try:
        decoded = lane.compiled.decode(message.payload, context=arrival)
    except DecodeError as error:
        logger.error("columns of %s take what is refused: %s", one.code, error)
        return False
    at = message.received_at // 1_000_000
    zones = {1: str(arrival.config.get("zone") or "UTC")}
    own = columns_of([Said(0, decoded, 1, 1, at)], known.routes, zones)
    alone = np.ones(1, np.int64)
    spoke = Spoke(said, alone - 1, alone, alone.astype(np.int32), alone * at)
    together = columns_of([], known.routes, zones, [spoke])
    same = decoded.identity is not None and decoded.identity.value == identity
    same &= decoded.sequence == lane.sequence(view)[0]
    if same and columns_same(own, together):
        return True
    logger.error("columns of %s differ from what %s says", one.code, message.payload.hex())
    return False


class _Row(NamedTuple):
    """A message that its lane may take: place there, in the batch, and whose it is."""

    place: int
    frame: int
    row: int
    device: ForeignDevice
    identity: str
    counted: Counted | None


def judged_together(
    messages: Sequence[Message], known: Known
) -> tuple[dict[int, Verdict], list[Spoke]]:
    """Verdicts of those that could be read together, and what they say."""
    verdicts: dict[int, Verdict] = {}
    spoken: list[Spoke] = []
    for one, frames in _by_type(messages, known):
        assert one.lanes is not None
        breaker = known.foreign.breaker
        if breaker.why_aside(one, 0):
            continue
        begun = breaker.clock()
        chosen = [messages[frame] for frame in frames]
        for lane, places, octets in one.lanes.of(one, chosen, known):
            mine = [frames[place] for place in places.tolist()]
            step = max(1, _AT_ONCE // lane.shape.values)
            for first in range(0, len(mine), step):
                part, some = octets[first : first + step], mine[first : first + step]
                rows = _rows(lane, one, part, some, messages, known, verdicts)
                for alike in _installed_alike(lane, rows):
                    spoken += _said(lane, one, part, alike, messages, known, verdicts)
        breaker.note(one, 0, breaker.clock() - begun, len(frames))
    return verdicts, spoken


def _by_type(messages: Sequence[Message], known: Known) -> Iterator[tuple[ForeignType, list[int]]]:
    """Messages of one length from sources of one type."""
    foreign = known.foreign
    hints, types = foreign.hints, foreign.types.by_id
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for frame, message in enumerate(messages):
        hinted = types.get(hints.get(message.sender, 0))
        if hinted is not None and hinted.lanes is not None and hinted.may_be(message):
            groups[hinted.id, len(message.payload)].append(frame)
    for (number, length), frames in groups.items():
        if len(frames) >= _FEWEST and length:
            yield types[number], frames


def _rows(
    lane: Lane,
    one: ForeignType,
    octets: NDArray[np.uint8],
    frames: list[int],
    messages: Sequence[Message],
    known: Known,
    verdicts: dict[int, Verdict],
) -> list[_Row]:
    """Whose they are; what modules may not say is refused."""
    view = lane.view(octets)
    identities = lane.identities(view, [messages[frame].topic for frame in frames])
    sequences = lane.sequence(view)
    found = []
    for place, frame in enumerate(frames):
        identity = identities[place]
        if not view.good[place] or not identity:
            continue
        if lane.scheme == "imei" and not identity.isdecimal():
            continue
        heard = Heard(one, Identity(scheme=lane.scheme, value=identity), None)
        devices = devices_of(heard, known)
        if not devices:
            continue
        device, row, refusal = speaker(devices, messages[frame], known)
        if refusal is not None:
            verdicts[frame] = Verdict(refusal, "", heard.text, row)
            continue
        counted = Counted.of(sequences[place], sealed=False)
        found.append(_Row(place, frame, row, device, heard.text, counted))
    return found


def _installed_alike(lane: Lane, rows: list[_Row]) -> Iterator[list[_Row]]:
    """By what their installations say that makes a difference; few say anything of their own."""
    alike: dict[Any, list[_Row]] = defaultdict(list)
    known: dict[int, Any] = {}
    for one in rows:
        key = known.get(one.device.module)
        if key is None:
            key = known[one.device.module] = lane.installed(one.device.config)
        alike[key].append(one)
    yield from alike.values()


def _said(
    lane: Lane,
    one: ForeignType,
    octets: NDArray[np.uint8],
    rows: list[_Row],
    messages: Sequence[Message],
    known: Known,
    verdicts: dict[int, Verdict],
) -> list[Spoke]:
    places = np.array([each.place for each in rows], np.int64)
    said = lane.take(lane.view(octets[places]), rows[0].device.config)
    if not said.good.any():
        return []
    own = np.zeros(len(rows), np.bool_) if one.asks_receipt else said.is_of_its_time()
    for place in np.flatnonzero(said.good).tolist():
        each = rows[place]
        verdicts[each.frame] = Verdict(
            None, "", each.identity, each.row, None, bool(own[place]), each.counted
        )
    row = np.array([each.row for each in rows], np.int64)
    at = np.array([messages[each.frame].received_at // 1_000_000 for each in rows], np.int64)
    frames = np.array([each.frame for each in rows], np.int64)
    return [Spoke(said, frames, known.devices.module[row], known.devices.company[row], at)]
