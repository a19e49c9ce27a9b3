"""The engine's replays: kept frames go once more through the pipeline, a page a step.

Only an engine replays, the frames of the devices of its shares, on the connection that holds them
and between two batches: a replay window has one keeper, and its counters are accepted in one place.
A page is one transaction with what it says, what became of its frames, and the windows it moved.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from django.db import InterfaceError, OperationalError, connection

from ingestion.codecs.universal_frame import device_label
from ingestion.foreign.messages import UNRECOGNISED
from ingestion.foreign.replaying import (
    foreign_store_again,
    identities_kept,
    identities_of,
    types_release,
)
from ingestion.loader import ArchiveUnavailable
from ingestion.models import ReplayRequest
from ingestion.quarantine import NEVER_DATA

from .judging import judged_again, opened_again
from .kept import devices_kept, frames_kept, messages_kept, since
from .requests import (
    devices_wanted,
    identities_wanted,
    known_devices,
    requests_done,
    requests_give_up,
    requests_read,
)
from .settling import Still, quarantine_settle
from .storing import store_again

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.loader import Loader
    from ingestion.pipeline import Known
    from ingestion.quarantine import Place
    from ingestion.shares import Shares

    from .kept import KeptFrame
    from .requests import Request

__all__ = ["Replays"]

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
# Requests of people, not of changes: what took too long is then tried once more.
_BY_PEOPLE = frozenset({ReplayRequest.Kind.DEVICES, ReplayRequest.Kind.EVERYTHING})
_PAGE = 2_000
# Frames of devices that are gone through together: each page of them is sorted out of all of these.
_TOGETHER = 4_000
_UNAVAILABLE = (ArchiveUnavailable, OperationalError, InterfaceError)
_Device = TypeVar("_Device", bytes, str)
_END = (datetime(9999, 1, 1, tzinfo=UTC), 0)


@dataclass(slots=True)
class _Group:
    """Devices whose frames are gone through together, newest first; before: the last one tried.

    devices: of the universal protocol; identities: of foreign ones, whose decoders keep memories.
    """

    devices: list[bytes]
    identities: list[str]
    started: datetime
    before: tuple[datetime, int] = _END
    still: dict[Place, Still] = field(default_factory=lambda: defaultdict(Still))
    memories: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """As the quarantine lists them."""
        foreign = [identity or UNRECOGNISED for identity in self.identities]
        return [device_label(device) for device in self.devices] + foreign


class Replays:
    """What is under way is only in memory: a request counts as done when all of it is."""

    def __init__(self, loader: Loader, shares: Shares) -> None:
        self._loader = loader
        self._shares = shares
        self._due = 0.0
        self.forget()

    def forget(self) -> None:
        """Begin anew with what the database tells."""
        self._requests: list[Request] = []
        self._groups: deque[tuple[list[bytes], list[str]]] = deque()
        self._first = _END[0]
        self._group: _Group | None = None

    def wanted(self) -> bool:
        """Whether there is something to do. Asks the database once a second."""
        if self._requests:
            return True
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + _POLL_SECONDS
        self._requests = requests_read(self._shares)
        return bool(self._requests)

    def step(self, known: Known) -> None:
        """One page; nothing else may be judged meanwhile, and the counts are written before."""
        try:
            self._step(known)
        except _UNAVAILABLE:
            raise
        except Exception as error:
            requests = self._requests
            self.forget()
            logger.error("a replay failed; its request is put aside: %s", error)
            # What was accepted but not committed is forgotten with the connection and its lock.
            connection.close()
            requests_give_up(requests, error)
            connection.close()
            raise

    def _step(self, known: Known) -> None:
        if self._group is None and not self._groups:
            self._plan(known)
        if self._group is None and self._groups:
            self._group = _Group(*self._groups.popleft(), datetime.now(UTC))
        if self._group is not None:
            self._page(self._group, known)
        if self._group is None and not self._groups:
            requests_done(self._requests, self._shares)
            self.forget()

    def _plan(self, known: Known) -> None:
        first = since()
        if first is None:
            return
        self._first = first
        wanted = devices_wanted(self._requests, known)
        if wanted is None or wanted:
            kept = devices_kept(first, wanted)
            devices = _grouped(known_devices(kept, known, self._shares), kept)
            self._groups.extend((group, []) for group in devices)
        messages = identities_kept(first)
        if messages:
            asked = identities_wanted(self._requests, known)
            identities = identities_of(messages, asked, known, self._shares)
            if any(request.kind in _BY_PEOPLE for request in self._requests):
                types_release(identities, known)
            self._groups.extend(([], group) for group in _grouped(identities, messages))

    def _page(self, group: _Group, known: Known) -> None:
        place: dict[str, Any] = {"first": self._first, "last": group.started}
        place |= {"before": group.before, "limit": _PAGE}
        if group.identities:
            frames = messages_kept(group.identities, **place)
            found = foreign_store_again(frames, known, self._loader, group.memories)
            self._note(frames, found, group)
        else:
            frames = frames_kept(group.devices, **place)
            self._try(frames, group, known)
        if len(frames) == _PAGE:
            group.before = frames[-1].place
            return
        quarantine_settle(devices=group.labels, started=group.started, still=group.still)
        self._group = None

    def _try(self, frames: list[KeptFrame], group: _Group, known: Known) -> None:
        authentic = [frame for frame in frames if frame.counter >= 0]
        rest = [frame for frame in frames if frame.counter < 0]
        if rest:
            work = judged_again(rest, known)
            work_rows = work.row[work.new], work.selector[work.new], work.counter[work.new]
            known.devices.accept(*work_rows)
            self._note(rest, store_again(rest, work, known, self._loader, windows=True), group)
        if authentic:
            work = opened_again(authentic, known)
            shut = np.setdiff1d(np.arange(len(authentic)), work.new)
            opened = [authentic[place] for place in work.new.tolist()]
            if len(shut):
                # Their key or their module is gone: they stay as they are.
                work = opened_again(opened, known)
            self._note(opened, store_again(opened, work, known, self._loader), group)

    @staticmethod
    def _note(frames: list[KeptFrame], found: dict[int, dict[Place, str]], group: _Group) -> None:
        for place, reasons in found.items():
            for where, detail in reasons.items():
                if where.reason not in NEVER_DATA:
                    group.still[where].add(frames[place], detail)


def _grouped(devices: list[_Device], kept: dict[_Device, int]) -> Iterator[list[_Device]]:
    """Devices with few frames together; kept: frames of each."""
    group: list[_Device] = []
    count = 0
    for device in devices:
        group.append(device)
        count += kept[device]
        if count >= _TOGETHER:
            yield group
            group, count = [], 0
    if group:
        yield group
