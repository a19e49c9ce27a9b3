"""Counters that protocols have of their own, against old messages that are sent again.

What a message says of times of its own it says again without harm: values merge. What it says of
the moment of its receipt becomes a reading of now, though it is old: only that is refused. The
window is that of our own protocol (`ingestion.codecs.replay`), one a key: a new key begins anew.
Counters that no key protects may be small numbers that go round, or begin again with the device.
The frame counter of LoRaWAN begins again when the module joins, which it may do unheard by us: a
counter that is not new, but heard well after all before it, is one of a new session.

docs/design/0014-foreign-protocols.md
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection

from ingestion.codecs.lorawan import JOIN
from ingestion.codecs.replay import WINDOW, Verdict, Window, accept
from ingestion.models import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.pipeline import Known
    from ingestion.registry import Devices
    from ingestion.replay.kept import KeptFrame

    from .devices import Memories
    from .recognising import Counted
    from .work import ForeignWork

__all__ = ["Slot", "counters_judge", "counters_judge_waiting", "counters_write"]

# Windows of the registry: that of key A, and, where no key protects the counter, that of claims,
# which no foreign device has.
_WITH_KEY, _WITHOUT_KEY = 0, 2
# A message that comes again within so long is a copy of the network.
_COPY_MICROSECONDS = 60_000_000
# Counters without a key: below this the highest may be that of a byte that goes round; a counter
# so low, or so far behind, is one that began again.
_ROUND, _ANEW, _FAR = 256, WINDOW, 1 << 14
# A module sends a frame again, until it is acknowledged, within so long; the network may pass on each.
_RETRIED_MICROSECONDS = 600_000_000
_AGAIN = "counter %d came before"
_OLD = "counter %d, after %d"
_WRITE = """
INSERT INTO ingestion_replay_window AS w (module_id, selector, highest, seen, at)
SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
ON CONFLICT (module_id, selector) DO UPDATE
SET highest = excluded.highest, seen = excluded.seen, at = excluded.at
"""


class Slot(NamedTuple):
    """A window: row of the device in the registry, and selector."""

    row: int
    selector: int


def counters_judge(work: ForeignWork, known: Known) -> set[Slot]:
    """Refuse messages that came just now and are old; returns the windows that moved.

    Windows move before the commit: after a failure nothing in memory is believed.
    """
    touched: set[Slot] = set()
    lately: dict[int, tuple[bytes, int]] = {}
    repeated: list[int] = []
    for frame in work.new.tolist():
        counted = work.verdicts[frame].counted
        if _joined(work, frame):
            touched.add(_begin_anew(work, frame, known))
        if counted is None:
            continue
        slot = _slot(work, frame, known)
        verdict, window = _judged(known, slot, counted)
        module = int(known.devices.module[slot.row])
        if verdict is Verdict.NEW:
            work.counter[frame] = counted.number
            _move(known.devices, slot, window)
            _note_heard(known, module, counted)
            touched.add(slot)
            lately[module] = work.digest(frame), work.messages[frame].received_at
        elif verdict is Verdict.DUPLICATE and _is_copy(work, frame, lately.get(module), known):
            repeated.append(frame)
        elif verdict is Verdict.DUPLICATE or not work.verdicts[frame].is_of_its_time:
            _refuse(work, frame, counted, verdict, window)
    _settle(work, repeated)
    return touched


def counters_judge_waiting(
    work: ForeignWork, frames: Sequence[KeptFrame], known: Known, memories: Memories
) -> set[Slot]:
    """The same of messages that waited: frames as in `work`; each counter is taken once.

    Those with a counter were accepted when they came. Of the others only those are refused whose
    counter is known: how old they may be depends on what they waited for.
    """
    touched: set[Slot] = set()
    for frame in work.new.tolist():
        counted = work.verdicts[frame].counted
        if counted is None or not counted.sealed:
            continue
        if frames[frame].counter >= 0:
            work.counter[frame] = frames[frame].counter
            continue
        slot = _slot(work, frame, known)
        taken = memories.setdefault(slot.row, {}).setdefault("counters", set())
        verdict, window = _judged(known, slot, counted)
        again = verdict is Verdict.DUPLICATE or counted.number in taken
        if again and not work.verdicts[frame].is_of_its_time:
            _refuse(work, frame, counted, Verdict.DUPLICATE, window)
            continue
        taken.add(counted.number)
        work.counter[frame] = counted.number
        if verdict is Verdict.NEW:
            _move(known.devices, slot, window)
            touched.add(slot)
    _settle(work, [])
    return touched


def counters_write(known: Known, touched: set[Slot]) -> None:
    """Write the windows as they stand in memory, in the transaction that stores their messages."""
    slots = sorted(touched)
    if not slots:
        return
    devices, now = known.devices, datetime.now(UTC)
    row, selector = (np.array(part, np.int64) for part in zip(*slots, strict=True))
    columns = [
        devices.module[row].tolist(),
        selector.tolist(),
        devices.highest[row, selector].tolist(),
        devices.seen[row, selector].view(np.int64).tolist(),
        [_moved_at(known, slot) or now for slot in slots],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, columns)


def _moved_at(known: Known, slot: Slot) -> datetime | None:
    """When the network heard what moved a window, where it is one of radio."""
    heard = known.foreign.moved.get(int(known.devices.module[slot.row]))
    if heard is None or slot.selector != _WITHOUT_KEY:
        return None
    return datetime.fromtimestamp(heard / 1_000_000, UTC)


def _note_heard(known: Known, module: int, counted: Counted) -> None:
    if counted.heard is not None:
        known.foreign.moved[module] = max(counted.heard, known.foreign.moved.get(module, 0))


def _joined(work: ForeignWork, frame: int) -> bool:
    uplink = work.verdicts[frame].uplink
    return uplink is not None and uplink.event == JOIN


def _begin_anew(work: ForeignWork, frame: int, known: Known) -> Slot:
    """An empty window: the module has joined the network."""
    slot = Slot(int(work.row[frame]), _WITHOUT_KEY)
    _move(known.devices, slot, Window())
    return slot


def _slot(work: ForeignWork, frame: int, known: Known) -> Slot:
    row = int(work.row[frame])
    counted = work.verdicts[frame].counted
    if counted is not None and counted.radio:
        return Slot(row, _WITHOUT_KEY)
    has_key = known.devices.key(row, _WITH_KEY) is not None
    return Slot(row, _WITH_KEY if has_key else _WITHOUT_KEY)


def _judged(known: Known, slot: Slot, counted: Counted) -> tuple[Verdict, Window]:
    devices = known.devices
    window = Window(int(devices.highest[slot]), int(devices.seen[slot]))
    verdict, after = accept(window, counted.number)
    moved = known.foreign.moved.get(int(devices.module[slot.row]), 0)
    if verdict is Verdict.NEW or counted.sealed or not _began_anew(window, counted, moved):
        return verdict, after
    return accept(Window(), counted.number)


def _began_anew(window: Window, counted: Counted, moved: int) -> bool:
    """Whether a counter that is not new may be right: no key says that it is not.

    moved: when the network heard what moved the window last.
    """
    if counted.heard is not None:
        return counted.heard > moved + _RETRIED_MICROSECONDS
    behind = window.highest - counted.number
    round_again = window.highest < _ROUND and not counted.radio
    return round_again or behind >= _FAR or (counted.number < _ANEW <= behind)


def _move(devices: Devices, slot: Slot, window: Window) -> None:
    devices.highest[slot], devices.seen[slot] = window


def _is_copy(work: ForeignWork, frame: int, lately: tuple[bytes, int] | None, known: Known) -> bool:
    """The module's last message once more, brought by another gateway."""
    module = int(known.devices.module[work.row[frame]])
    digest, at = lately or known.foreign.recent.get(module, (b"", 0))
    near = abs(work.messages[frame].received_at - at) < _COPY_MICROSECONDS
    return near and digest == work.digest(frame)


def _refuse(
    work: ForeignWork, frame: int, counted: Counted, verdict: Verdict, window: Window
) -> None:
    work.refuse(np.array([frame]), Reason.REPLAYED)
    again = verdict is Verdict.DUPLICATE
    number = counted.number
    work.detail[frame] = _AGAIN % number if again else _OLD % (number, window.highest)


def _settle(work: ForeignWork, repeated: list[int]) -> None:
    """Take what was refused, or is a copy, out of what is stored."""
    left = work.new[work.reason[work.new] == 0]
    again = np.array(repeated, np.int64)
    work.new = np.setdiff1d(left, again)
    work.repeated = np.sort(np.concatenate([work.repeated, again]))
