"""Frames of devices that another engine works for go to it, and its answers back to them.

What finds no engine (its share is just changing hands) is kept and tried again; it takes up room in
the intake meanwhile, and beyond half of that the oldest are given up unanswered: devices send
again.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing import AuthenticationError
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection, transaction

from config.lib.crypto import derived_key
from ingestion.shares import shares_of_frames
from ingestion.transports.intake import Batch
from ingestion.transports.relay import RelayLink, RelayListener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.shares import Shares
    from ingestion.transports.intake import Arrival, Intake
    from ingestion.transports.relay import Answered

__all__ = ["HandingOn"]

logger = logging.getLogger(__name__)

_TROUBLE = (OSError, EOFError, AuthenticationError)
_HERE = """
INSERT INTO ingestion_engine_share (share, address, since) SELECT s, %s, now() FROM unnest(%s::int[]) s
ON CONFLICT (share) DO UPDATE SET address = excluded.address, since = excluded.since
"""
_WHERE = "SELECT share, address FROM ingestion_engine_share"


class HandingOn:
    """Used by the engine's thread; answers come in threads of the links."""

    def __init__(self, intake: Intake, shares: Shares, *, host: str = "127.0.0.1") -> None:
        self.intake = intake
        self.shares = shares
        self.handed_on = 0
        self.given_up = 0
        self._secret = derived_key("engines")
        self._host = host
        self._listener: RelayListener | None = None
        self._addresses: dict[int, str] = {}
        self._links: dict[str, RelayLink] = {}
        self._homeless: list[Batch] = []
        self._changing = threading.Lock()

    def open(self) -> None:
        """Tell the others where the shares that are held live now."""
        if self.shares.count == 1:
            return
        if self._listener is None:
            self._listener = RelayListener(self.intake, host=self._host, secret=self._secret)
            self._listener.start()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_HERE, [self._listener.address, sorted(self.shares.held)])
        self._read_addresses()

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for link in list(self._links.values()):
            link.close()

    def look(self) -> list[Batch]:
        """Read where the others are; returns what found no home before, to be tried again."""
        if self.shares.count == 1:
            return []
        self._read_addresses()
        with self._changing:
            again, self._homeless = self._homeless, []
        return again

    def _read_addresses(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_WHERE)
            self._addresses = dict(cursor.fetchall())

    def ours(self, batch: Batch) -> Batch | None:
        """The part of the batch that is for this engine; the rest is on its way."""
        if self.shares.all_held:
            return batch
        share = shares_of_frames([arrival.payload for arrival in batch.arrivals], self.shares.count)
        away = ~np.isin(share, [-1, *self.shares.held])
        if not away.any():
            return batch
        for number in np.unique(share[away]).tolist():
            self._hand_on(_part(batch, np.flatnonzero(share == number).tolist()), number)
        rest = np.flatnonzero(~away).tolist()
        return _part(batch, rest) if rest else None

    def _hand_on(self, batch: Batch, share: int) -> None:
        give_back = getattr(batch.transport, "give_back", None)
        if give_back is not None:
            # From another engine, which looks again where they belong.
            give_back(batch.arrivals)
            self.intake.done(batch)
            return
        link = self._link(share)
        if link is None or not link.send(batch, batch.transport.code):
            self._keep([batch])
            return
        self.handed_on += len(batch.arrivals)

    def _link(self, share: int) -> RelayLink | None:
        address = self._addresses.get(share)
        if address is None or (self._listener and address == self._listener.address):
            return None
        link = self._links.get(address)
        if link is None:
            try:
                link = RelayLink(address, self._secret, self._answered, self._lost)
            except _TROUBLE as error:
                logger.debug("engine %s can't be reached: %s", address, error)
                return None
            self._links[address] = link
        return link

    def _answered(self, batch: Batch, answered: Answered) -> None:
        part = _part(batch, answered.places)
        if answered.given_back:
            self._keep([part])
            return
        with suppress(OSError):
            batch.transport.acknowledge(part.arrivals, answered.answers)
        self.intake.done(part)

    def _lost(self, link: RelayLink, left: Sequence[Batch]) -> None:
        if self._links.get(link.address) is link:
            del self._links[link.address]
        self._keep(left)

    def give_up(self) -> None:
        """The engine ends: what has found no home is not waited for."""
        self._keep([], limit=0)

    def _keep(self, batches: Sequence[Batch], *, limit: int | None = None) -> None:
        most = self.intake.limit // 2 if limit is None else limit
        with self._changing:
            self._homeless += batches
            held = sum(len(batch.arrivals) for batch in self._homeless)
            while held > most:
                oldest = self._homeless.pop(0)
                held -= len(oldest.arrivals)
                self.given_up += len(oldest.arrivals)
                self.intake.done(oldest)


def _part(batch: Batch, places: Sequence[int]) -> Batch:
    arrivals: list[Arrival] = [batch.arrivals[place] for place in places]
    return replace(batch, arrivals=arrivals)
