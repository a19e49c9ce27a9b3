"""Figures of binary layouts: `python -m tests.ingestion.codecs.binary.bench`.

Microseconds of processor time a message, and rows a second in columns: the least disturbed of 9
runs of 500 messages (of a batch of 20,000 rows).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ingestion.codecs.binary import Shape, compile_schema, shape_of

_RUNS, _MESSAGES, _ROWS = 9, 500, 20_000

# A water meter over LoRaWAN: counter, logged counter and 23 deltas of 14 bits.
_FIXED: dict[str, Any] = {
    "endian": "little",
    "fields": [
        {"name": "version", "type": "u8", "const": 1},
        {"name": "log_at", "type": "u32", "time": "unix"},
        {"name": "status", "type": "u8"},
        {"name": "volume", "type": "u32", "div": 1000, "unit": "m3"},
        {"name": "deltas", "type": "bits14", "repeat": 23, "unit": "L"},
    ],
}
_FIXED_MESSAGE = bytes([1]) + bytes(range(50))
_TAGS: dict[str, Any] = {
    "endian": "little",
    "fields": [
        {
            "tlv": {
                "tag": ["u8", "u8"],
                "cases": {
                    "01 75": [{"name": "battery", "type": "u8", "unit": "%"}],
                    "03 67": [{"name": "temperature", "type": "s16", "div": 10, "unit": "°C"}],
                    "05 C8": [{"name": "pulses", "type": "u32"}],
                },
            }
        }
    ],
}
_TAGS_MESSAGE = bytes.fromhex("01755c0367340105c815340000")


def measured(action: Callable[[], object], times: int) -> float:
    """Microseconds of this thread each time."""
    runs = []
    for _ in range(_RUNS):
        start = time.thread_time()
        for _ in range(times):
            action()
        runs.append((time.thread_time() - start) / times * 1e6)
    return min(runs)


def figures() -> list[tuple[str, float]]:
    fixed, tags = compile_schema(_FIXED), compile_schema(_TAGS)
    shape = shape_of(fixed, _FIXED_MESSAGE)
    octets = np.frombuffer(_FIXED_MESSAGE * _ROWS, np.uint8).reshape(_ROWS, -1)
    return [
        ("fixed layout, items", measured(lambda: fixed.decode(_FIXED_MESSAGE), _MESSAGES)),
        ("fixed layout, tree", measured(lambda: fixed.decode_tree(_FIXED_MESSAGE), _MESSAGES)),
        ("one shape, columns", measured(lambda: _columns(shape, octets), 1) / _ROWS),
        ("tags, items", measured(lambda: tags.decode(_TAGS_MESSAGE), _MESSAGES)),
        ("tags, tree", measured(lambda: tags.decode_tree(_TAGS_MESSAGE), _MESSAGES)),
        ("compiling", measured(lambda: compile_schema(_FIXED), 20)),
    ]


def _columns(shape: Shape | None, octets: Any) -> None:
    assert shape is not None
    for cell in shape.cells.values():
        cell.raw(octets)


def main() -> None:
    for name, micros in figures():
        sys.stdout.write(f"{name:<22} {micros:9.2f} µs {1e6 / micros:12,.0f} a second\n")


if __name__ == "__main__":
    main()
