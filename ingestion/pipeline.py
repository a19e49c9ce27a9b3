"""What happens to a batch of frames, a named step each. Nothing here waits or writes.

authenticate → decode → resolve and values (`values`) → batch for the loader; after the commit the
answers. Reasons to refuse are asked for in a fixed order, the cheapest first: length and header,
known device, source, key and tag, counter, messages, route.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.sealing import open_frame
from ingestion.codecs.universal import check_key_use, decode_placed
from ingestion.codecs.universal_batch import decode_batch
from ingestion.codecs.universal_frame import Key, device_label, read_header
from ingestion.codecs.universal_frames import read_headers
from ingestion.codecs.universal_messages import Hello
from ingestion.foreign.devices import Foreign
from ingestion.models import Reason
from ingestion.registry import Flag
from ingestion.values import Collected, Context, profiles, snapshots, statuses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.codecs.columns import Batch
    from ingestion.codecs.universal_frames import Headers
    from ingestion.registry import Companies, Devices
    from ingestion.routing import ModuleChannels, Routes

    Ints = NDArray[np.int64]

__all__ = ["Ciphers", "Known", "Work", "authenticate", "context_of", "decode", "resolve"]

_REASONS = tuple(Reason)
_NUMBERS = {reason: number for number, reason in enumerate(_REASONS, 1)}
_NONE = 0


class Ciphers:
    """Ciphers of the keys used lately: making one takes about 1 µs, keeping one 2.6 kB.

    Two generations: what was not used while the newer one filled up is forgotten with the older.
    Fleets larger than that gain nothing from keeping more, since each device sends in its turn.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit // 2
        self._new: dict[int, AESGCM] = {}
        self._old: dict[int, AESGCM] = {}

    def clear(self) -> None:
        """Rows or keys of the registry have changed."""
        self._new, self._old = {}, {}

    def of(self, devices: Devices, rows: Ints, selectors: NDArray[np.uint8]) -> list[AESGCM | None]:
        """The cipher of the key of each (row, selector), None where there is none."""
        places = (rows << 2 | selectors).tolist()
        found = list(map(self._new.get, places))
        missing = [number for number, cipher in enumerate(found) if cipher is None]
        if missing:
            keys = devices.keys_of(rows[missing], selectors[missing])
            for number, key in zip(missing, keys, strict=True):
                found[number] = self._made(places[number], key)
        return found

    def _made(self, place: int, key: bytes | None) -> AESGCM | None:
        if key is None:
            return None
        cipher = self._old.get(place) or self._new.get(place) or AESGCM(key)
        if len(self._new) >= self._limit:
            self._old, self._new = self._new, {}
        self._new[place] = cipher
        return cipher


@dataclass(slots=True)
class Known:
    """All that the engine knows of the world outside the frames."""

    companies: Companies
    devices: Devices
    routes: Routes
    modules: ModuleChannels
    ciphers: Ciphers = field(default_factory=Ciphers)
    foreign: Foreign = field(default_factory=Foreign)


@dataclass(slots=True, eq=False)
class Work:
    """A batch on its way: one entry a frame.

    row: of the device, −1 unknown; reason: number of why it is refused, 0 = not refused; detail:
    more about it, by frame. opened: plaintexts. new: to be stored now; repeated: stored before.
    """

    payloads: Sequence[bytes]
    sources: Sequence[str]
    row: Ints
    device: NDArray[np.uint64]
    selector: NDArray[np.uint8]
    counter: Ints
    reason: NDArray[np.uint8]
    detail: dict[int, str] = field(default_factory=dict)
    opened: dict[int, bytes] = field(default_factory=dict)
    new: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    repeated: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    claims: dict[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.payloads)

    def refuse(self, rows: NDArray[Any], reason: Reason) -> None:
        """The first reason found stays. rows: index or mask."""
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        rows = rows[self.reason[rows] == _NONE]
        self.reason[rows] = _NUMBERS[reason]

    def reason_of(self, frame: int) -> Reason | None:
        return self.name_of(int(self.reason[frame]))

    @staticmethod
    def name_of(number: int) -> Reason | None:
        """The reason with this number of `reason`."""
        return _REASONS[number - 1] if number else None

    def label(self, frame: int) -> str:
        """Device id as printed, as far as the header is one."""
        if self.reason[frame] == _NUMBERS[Reason.MALFORMED]:
            return ""
        return device_label(int(self.device[frame]).to_bytes(8, "big"))

    def why(self, frame: int) -> str:
        """The detail, found out only for those that are kept."""
        if self.reason[frame] == _NUMBERS[Reason.MALFORMED]:
            try:
                read_header(self.payloads[frame])
            except DecodeError as error:
                return str(error)
            return "sent to a module, not by one"
        return self.detail.get(frame, "")


def authenticate(
    payloads: Sequence[bytes],
    sources: Sequence[str],
    known: Known,
    headers: Headers | None = None,
) -> Work:
    """Headers, devices, sources, tags, counters. headers: of the payloads, if they are read already."""
    headers = headers or read_headers(payloads)
    work = Work(
        payloads,
        sources,
        np.where(headers.good, known.devices.find(headers.device), -1),
        headers.device,
        headers.key,
        headers.counter,
        np.zeros(len(payloads), np.uint8),
    )
    work.refuse(~headers.good, Reason.MALFORMED)
    work.refuse(work.row < 0, Reason.UNKNOWN_DEVICE)
    _check_states(work, known)
    _check_sources(work, known)
    _open(work, known)
    _judge(work, known.devices)
    return work


def _check_states(work: Work, known: Known) -> None:
    flags = known.devices.flags
    if len(flags):
        blocked = (flags[work.row] & (Flag.ACTIVE | Flag.SHARED_ID)) == 0
        work.refuse(blocked & (work.row >= 0), Reason.BLOCKED)


def _check_sources(work: Work, known: Known) -> None:
    restricted = known.companies.restricted
    if not len(restricted) or not len(known.devices):
        return
    company = known.devices.company[work.row]
    shared = known.devices.flags[work.row] & Flag.SHARED_ID != 0
    asked = np.flatnonzero((work.reason == _NONE) & ~shared & np.isin(company, restricted))
    foreign = [
        frame
        for frame in asked.tolist()
        if not known.companies.allows(int(company[frame]), work.sources[frame])
    ]
    if foreign:
        work.refuse(np.array(foreign), Reason.FOREIGN_SOURCE)


def _open(work: Work, known: Known) -> None:
    devices = known.devices
    asked = np.flatnonzero(work.reason == _NONE)
    ciphers = known.ciphers.of(devices, work.row[asked], work.selector[asked])
    shared = frozenset(asked[devices.flags[work.row[asked]] & Flag.SHARED_ID != 0].tolist())
    failed = []
    for frame, cipher in zip(asked.tolist(), ciphers, strict=True):
        if cipher is None or frame in shared:
            failed.append(frame)
            continue
        try:
            work.opened[frame] = open_frame(cipher, work.payloads[frame])
        except DecodeError:
            failed.append(frame)
    for frame in failed:
        _open_otherwise(work, frame, known)


def _open_otherwise(work: Work, frame: int, known: Known) -> None:
    """Every device with that id (several companies may have entered it), or why none fits."""
    devices, first, selector = known.devices, int(work.row[frame]), work.selector[[frame]]
    row, has_key = first, False
    while row < len(devices) and devices.device[row] == devices.device[first]:
        [cipher] = known.ciphers.of(devices, np.array([row]), selector)
        has_key |= cipher is not None
        if cipher is not None and _may_speak(work, frame, row, known):
            try:
                work.opened[frame] = open_frame(cipher, work.payloads[frame])
            except DecodeError:
                pass
            else:
                work.row[frame] = row
                return
        row += 1
    work.refuse(np.array([frame]), Reason.WRONG_KEY if has_key else Reason.NO_KEY)


def _may_speak(work: Work, frame: int, row: int, known: Known) -> bool:
    company = int(known.devices.company[row])
    active = bool(known.devices.flags[row] & Flag.ACTIVE)
    return active and known.companies.allows(company, work.sources[frame])


def _judge(work: Work, devices: Devices) -> None:
    opened = np.fromiter(work.opened, np.int64, len(work.opened))
    if not len(opened):
        return
    judged = devices.judge(work.row[opened], work.selector[opened], work.counter[opened])
    work.new, work.repeated = opened[judged.new], opened[judged.repeated]
    work.refuse(opened[~judged.new & ~judged.repeated], Reason.REPLAYED)


def decode(work: Work) -> Batch:
    """Columns of the new frames; those that break a rule are refused, and leave no rows."""
    batch = decode_batch([work.opened[frame] for frame in work.new.tolist()])
    for place, error in batch.errors:
        _undecodable(work, int(work.new[place]), error)
    for place in np.flatnonzero(work.selector[work.new] == Key.CLAIM).tolist():
        _check_key(work, int(work.new[place]))
    for place, message in batch.messages:
        if isinstance(message, Hello) and message.claim_nonce is not None:
            frame = int(work.new[place])
            if work.selector[frame] == Key.CLAIM:
                work.claims[frame] = message.claim_nonce
            else:
                _check_key(work, frame)
    _claim_again(work)
    return batch


def _claim_again(work: Work) -> None:
    """A claim that comes again byte for byte lost its answer, and with it the key: told once more.

    One a device and batch, so that a flood of one recorded frame costs no more than that.
    """
    frames = work.repeated[work.selector[work.repeated] == Key.CLAIM]
    _rows, first = np.unique(work.row[frames], return_index=True)
    for frame in frames[first].tolist():
        try:
            told = decode_placed(work.opened[frame])
        except DecodeError:
            # Refused when it came first; the acknowledgement says so again.
            continue
        for _offset, message in told:
            if isinstance(message, Hello) and message.claim_nonce is not None:
                work.claims.setdefault(frame, message.claim_nonce)


def _check_key(work: Work, frame: int) -> None:
    try:
        placed = decode_placed(work.opened[frame])
        check_key_use(Key(int(work.selector[frame])), placed)
    except DecodeError as error:
        _undecodable(work, frame, error)


def _undecodable(work: Work, frame: int, error: DecodeError) -> None:
    work.refuse(np.array([frame]), Reason.UNDECODABLE)
    work.detail[frame] = str(error)


def context_of(work: Work, known: Known) -> Context:
    """What the values of `work.new` are resolved with."""
    row = work.row[work.new]
    return Context(
        known.routes,
        known.modules,
        known.devices.module[row],
        known.devices.company[row],
        known.companies.zones,
    )


def resolve(work: Work, batch: Batch, known: Known) -> Collected:
    """Values of channels. Frames are those of `work.new`, by place."""
    collected = Collected()
    if not len(work.new):
        return collected
    refused = work.reason[work.new] != _NONE
    context = context_of(work, known)
    if bool(refused.any()):
        batch = _without(batch, refused)
    profiles(batch, context, collected)
    snapshots(batch, context, collected)
    statuses(batch, context, collected)
    return collected


def _without(batch: Batch, refused: NDArray[np.bool_]) -> Batch:
    """Frames under the wrong key decode well but may say nothing."""
    intervals = (part.take(~refused[part.frame]) for part in batch.intervals)
    return replace(
        batch,
        intervals=tuple(part for part in intervals if len(part)),
        registers=batch.registers.take(~refused[batch.registers.frame]),
        events=batch.events.take(~refused[batch.events.frame]),
        statuses=batch.statuses.take(~refused[batch.statuses.frame]),
    )
