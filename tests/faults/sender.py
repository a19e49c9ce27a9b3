"""Devices in a process of their own: `python -m tests.faults.sender PLAN`.

Sends until standard input ends, then only repeats until everything is acknowledged, and writes
what was acknowledged: rows of device number, counter, flags. `PLAN.progress` holds
frames acknowledged, sent and sent again at any moment.
"""

from __future__ import annotations

import json
import os
import select
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from tests.faults.delivery import Delivery, rounds
from tests.faults.lines import LINES
from tests.faults.load import Load

PROGRESS = struct.Struct("<QQQ")


def main(path: Path) -> None:
    plan = json.loads(path.read_text())
    load = Load.read(path.with_suffix(".load"))
    chosen = [one for one in load.devices if one.number % plan["of"] == plan["part"]]
    lines = [LINES[plan["transport"]](plan["port"]) for _ in range(plan["lines"])]
    delivery = Delivery(
        lines,
        rounds(chosen, load.frame, load.frames),
        in_flight=plan["in_flight"],
        rate=plan["rate"],
    )
    _work(delivery, path.with_suffix(".progress"))
    rows = [(*key, flags) for key, flags in delivery.acknowledged.items()]
    np.save(path.with_suffix(".npy"), np.array(rows, np.int64).reshape(-1, 3))
    counts: Counter[str] = delivery.counts
    path.with_suffix(".counts").write_text(json.dumps(counts))


def _work(delivery: Delivery, progress: Path) -> None:
    descriptor = os.open(progress, os.O_RDWR | os.O_CREAT, 0o600)
    stopping, parent = False, os.getppid()
    # Whoever has lost the test that started it would wait for its answers for ever.
    while (not stopping or delivery.waiting) and os.getppid() == parent:
        stopping = stopping or bool(select.select([sys.stdin], [], [], 0)[0])
        delivery.turn(more=not stopping)
        counts = delivery.counts
        told = (len(delivery.acknowledged), counts["frames"], counts["repeated"])
        os.pwrite(descriptor, PROGRESS.pack(*told), 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
