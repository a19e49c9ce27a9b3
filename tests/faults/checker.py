"""What was acknowledged beside what the archive holds: nothing lost, nothing twice, nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.faults.load import HOUR, VALUES, Load, amount, is_bad, register

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tests.faults.running import Sender
    from tests.faults.site import Stage

    Ints = NDArray[np.int64]

__all__ = ["check", "check_senders"]

_FRAMES = """
SELECT module_id, counter, outcome FROM ingestion_raw_frame WHERE counter IS NOT NULL
"""
_BLOCKS = """
SELECT channel_id, extract(epoch FROM day)::bigint, interval_minutes, total,
    meters_block_values(small, "values", wide) FROM meters_interval_block
"""
_REGISTERS = """
SELECT channel_id, extract(epoch FROM at)::bigint, value FROM meters_register_reading
"""
_STORED, _QUARANTINED = 0, 3


def check_senders(stage: Stage, load: Load, senders: Iterable[Sender]) -> Counter[str]:
    """The same for senders that have finished; with what they counted."""
    senders = list(senders)
    counts: Counter[str] = Counter()
    for sender in senders:
        told = sender.counts()
        counts[f"acknowledged over {sender.transport}"] += len(sender.results())
        counts["sent again"] += told.get("repeated", 0)
        counts["false answers"] += told.get("false answers", 0)
    assert not counts["false answers"], counts
    rows = np.concatenate([sender.results() for sender in senders])
    return check(stage, load, rows) + counts


def check(stage: Stage, load: Load, acknowledged: Ints) -> Counter[str]:
    """Compare and count; fails on anything that is not as it must be.

    acknowledged: rows of device number, counter, "not understood".
    """
    number, counter, told = acknowledged.T[:3]
    bad = is_bad(counter)
    assert (bad | (told == 0)).all(), "a good frame is said not to be understood"
    # Of a bad frame whose first answer was lost the second one does not say so any more.
    silent = int((bad & (told == 0)).sum())
    counts: Counter[str] = Counter(frames=len(counter), bad=int(bad.sum()), bad_not_told=silent)
    counts += _check_frames(stage, load, number, counter)
    counts += _check_values(stage, load, number[~bad], counter[~bad])
    counts += _check_registers(stage, load, number[~bad], counter[~bad])
    wrong = {name for name in ("lost", "doubled", "foreign", "lost bad") if counts[name]}
    assert not wrong, counts
    return counts


def _check_frames(stage: Stage, load: Load, number: Ints, counter: Ints) -> Counter[str]:
    """Each acknowledged frame is a raw frame once, and the bad ones are in quarantine."""
    modules = {device.module: device.number for device in load.devices}
    rows = [
        (modules[module], count, outcome)
        for module, count, outcome in stage.query(_FRAMES)
        if module in modules
    ]
    stored = Counter((device, count) for device, count, _ in rows)
    outcomes = {(device, count): outcome for device, count, outcome in rows}
    lost = lost_bad = 0
    for key in zip(number.tolist(), counter.tolist(), strict=True):
        expected = _QUARANTINED if is_bad(key[1]) else _STORED
        found = outcomes.get(key) == expected
        lost += not found
        lost_bad += is_bad(key[1]) and not found
    doubled = sum(count - 1 for count in stored.values())
    return Counter(
        {"raw frames": len(rows), "lost": lost, "lost bad": lost_bad, "doubled": doubled}
    )


def _check_values(stage: Stage, load: Load, number: Ints, counter: Ints) -> Counter[str]:
    """Every acknowledged value stands at its hour, and the archive holds no other."""
    hours = (load.frames + 2) * VALUES
    expected = np.full((max(d.number for d in load.devices) + 1, hours), -1, np.int64)
    for place in range(VALUES):
        expected[number, counter * VALUES + place] = amount(number, counter, place)
    found, off = _archive(stage, load, expected.shape)
    return Counter(
        {
            "values": int((expected >= 0).sum()),
            "lost": int(((expected >= 0) & (found != expected)).sum()),
            "foreign": off + int(((expected < 0) & (found >= 0)).sum()),
        }
    )


def _archive(stage: Stage, load: Load, shape: tuple[int, int]) -> tuple[Any, int]:
    """Values by device and hour, −1 where none is; and how many lie elsewhere or don't add up."""
    found, off = np.full(shape, -1, np.int64), 0
    channels = {device.volume: device.number for device in load.devices}
    for channel, day, interval, total, values in stage.query(_BLOCKS):
        held = [-1 if value is None else value for value in values]
        present = [value for value in held if value >= 0]
        first = (day - load.first) // HOUR
        fits = channel in channels and 0 <= first <= shape[1] - len(held)
        if not fits or interval != 60 or total != sum(present):
            off += len(present)
            continue
        found[channels[channel], first : first + len(held)] = held
    return found, off


def _check_registers(stage: Stage, load: Load, number: Ints, counter: Ints) -> Counter[str]:
    channels = {device.number: device.register for device in load.devices}
    expected = {
        (channels[device], load.start(count), register(device, count))
        for device, count in zip(number.tolist(), counter.tolist(), strict=True)
    }
    found = set(stage.query(_REGISTERS))
    return Counter(
        {
            "registers": len(expected),
            "lost": len(expected - found),
            "foreign": len(found - expected),
        }
    )
