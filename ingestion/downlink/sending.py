"""Which commands leave with the answers of a batch.

A module that sleeps hears only while its window is open, so commands leave in the frame of the
acknowledgement that opens it: the same way on every transport, under the same counter. Where no
command waits a batch costs one comparison; else one look-up of its modules in a sorted array.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

from ingestion.codecs.universal import MAX_PLAINTEXT_BYTES
from ingestion.codecs.universal_frame import Key
from ingestion.codecs.universal_messages import AckFlag
from meters.models import Command

from .orders import Order, orders_read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from ingestion.pipeline import Work
    from ingestion.registry import Devices

    Ints = NDArray[np.int64]

__all__ = ["Downlink", "Leaving"]

# Open at a module at once: it remembers 16 numbers, and a number it forgot it would carry out anew.
_AT_ONCE = 8
# Urgent ones besides: they wait for none that the module never answers.
_URGENT_BESIDES = 4
# Acknowledgement, and the new key that may stand behind it.
_TAKEN = 10 + 25
# What was taken back, or expired, while it was on its way has left all the same.
_MARK = """
UPDATE meters_command c SET
    state = CASE WHEN c.state = 'queued' THEN 'sent'
        WHEN c.state IN ('cancelled', 'expired') THEN 'unconfirmed' ELSE c.state END,
    sent_at = coalesce(c.sent_at, to_timestamp(%(at)s)), last_sent_at = to_timestamp(%(at)s),
    attempts = c.attempts + 1, updated_at = now()
FROM (SELECT id FROM meters_command WHERE id = ANY(%(ids)s)
    AND (state IN ('queued', 'sent', 'delivered')
        OR state IN ('cancelled', 'expired') AND sent_at IS NULL) ORDER BY id FOR UPDATE) l
WHERE c.id = l.id RETURNING c.id, c.ended_at IS NULL
"""


@dataclass(slots=True)
class Leaving:
    """What is added to the answers of a batch, by place in the frames that are answered."""

    texts: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, int] = field(default_factory=dict)
    pending: dict[int, int] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)

    def join(
        self,
        frames: Ints,
        more: dict[int, bytes],
        flags: NDArray[np.uint8],
        pending: NDArray[np.uint8],
    ) -> None:
        """Into what is made of the answers: bytes by frame, flags and counts by place."""
        for place, text in self.texts.items():
            frame = int(frames[place])
            more[frame] = more.get(frame, b"") + text
            flags[place] |= self.flags[place]
            pending[place] = self.pending[place]


class Downlink:
    """Open commands by module; of all modules, whichever engine hears them.

    patience: seconds after which a command without an answer is sent again with a new frame.
    """

    def __init__(self, patience: float = 10.0) -> None:
        self.patience = patience
        self._orders: dict[int, list[Order]] = {}
        self._modules = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return sum(map(len, self._orders.values()))

    def read(self) -> None:
        """Everything anew: the engine takes up its work."""
        self._orders = _by_module(orders_read())
        self._sort()

    def refresh(self, modules: Collection[int]) -> None:
        """Read the commands of these modules anew."""
        found = _by_module(orders_read(sorted(modules)))
        for module in modules:
            self._orders.pop(module, None)
        self._orders |= found
        self._sort()

    def of_module(self, module: int) -> list[Order]:
        return self._orders.get(module, [])

    def drop(self, ids: Collection[int], modules: Iterable[int]) -> None:
        """These commands of these modules are ended."""
        for module in modules:
            kept = [order for order in self._orders.get(module, ()) if order.id not in ids]
            if kept:
                self._orders[module] = kept
            else:
                self._orders.pop(module, None)
        # Modules without commands do no harm among the others, for a while.
        if 2 * len(self._orders) < len(self._modules):
            self._sort()

    def heard(self, module: int, command: int, at: float) -> None:
        """The module is at work on this command: there is no hurry to ask again."""
        for order in self.of_module(module):
            if order.id == command:
                order.last, order.attempts = at, max(order.attempts, 1)

    def choose(self, work: Work, frames: Ints, devices: Devices, now: float) -> Leaving | None:
        """What leaves with the answers to these frames of a batch; None: nothing does."""
        modules = self._modules
        if not len(modules):
            return None
        mine = devices.module[work.row[frames]]
        place = np.minimum(np.searchsorted(modules, mine), len(modules) - 1)
        # The claim key seals nothing but the claim.
        hit = np.flatnonzero((modules[place] == mine) & (work.selector[frames] != Key.CLAIM))
        if not len(hit):
            return None
        again = set(mine[np.isin(frames, work.repeated)].tolist())
        leaving = Leaving()
        # The last frame of each module: whatever overtakes it can't make its counter old.
        for module, frame in dict(zip(mine[hit].tolist(), hit.tolist(), strict=True)).items():
            if module in self._orders:
                self._choose(module, frame, now, leaving, repeated=module in again)
        return leaving

    def _choose(
        self, module: int, frame: int, now: float, leaving: Leaving, *, repeated: bool
    ) -> None:
        valid = [order for order in self._orders.get(module, ()) if order.valid_until > now]
        valid.sort(key=lambda order: order.rank)
        # A frame that comes again tells that its answer, and what left with it, was not heard.
        patience = 0.0 if repeated else self.patience
        open_now, behind = valid[:_AT_ONCE], valid[_AT_ONCE:]
        urgent = [order for order in behind if order.priority <= Command.Priority.URGENT]
        open_now += urgent[:_URGENT_BESIDES]
        due = [order for order in open_now if order.due(now, patience)]
        text, flags, sent = b"", 0, 0
        for order in due:
            if len(text) + len(order.text) > MAX_PLAINTEXT_BYTES - _TAKEN:
                break
            text, flags, sent = text + order.text, flags | order.flags, sent + 1
            leaving.orders.append(order)
        left = min(len(valid) - len(open_now) + len(due) - sent, 255)
        leaving.texts[frame], leaving.pending[frame] = text, left
        leaving.flags[frame] = flags | (AckFlag.STAY_AWAKE if left else 0)

    def mark(self, leaving: Leaving, now: float) -> None:
        """They have left. Those that have ended meanwhile, here or elsewhere, are forgotten."""
        if not leaving.orders:
            return
        for order in leaving.orders:
            order.last, order.attempts = now, order.attempts + 1
        ids = [order.id for order in leaving.orders]
        with connection.cursor() as cursor:
            cursor.execute(_MARK, {"ids": ids, "at": now})
            still = {key for key, is_open in cursor.fetchall() if is_open}
        if gone := set(ids) - still:
            self.drop(gone, {order.module for order in leaving.orders if order.id in gone})

    def _sort(self) -> None:
        self._modules = np.sort(np.fromiter(self._orders, np.int64, len(self._orders)))


def _by_module(orders: Iterable[Order]) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = defaultdict(list)
    for order in orders:
        found[order.module].append(order)
    return dict(found)
