"""Memory of a listener that knows a million devices: `python -m bench.listener`.

Within `python -m config.embedded exec --temporary --`. Everything the engine reads at its start is
read; the figure is the growth of the process, keys and routes included.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from typing import Any

import django

__all__ = ["figures"]

DEVICES = 1_000_000


def figures(devices: int = DEVICES) -> list[dict[str, Any]]:
    """In an empty database."""
    from bench.fleet import fleet_make

    fleet_make(devices, registers=False)
    gc.collect()
    before, began = _resident(), time.perf_counter()
    known = _known()
    taken = time.perf_counter() - began
    gc.collect()
    grown = _resident() - before
    assert len(known.devices) == devices
    lower = {"must": None, "aim": None, "better": "lower"}
    return [
        lower
        | {"name": f"memory of a listener that knows {devices:,} devices", "unit": "MB"}
        | {"value": round(grown / 1e6), "must": 1_000, "aim": 300},
        lower
        | {"name": f"reading {devices:,} devices at a start", "unit": "s"}
        | {"value": round(taken, 1)},
    ]


def _known() -> Any:
    from ingestion.known import known_read

    return known_read()


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=DEVICES)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    sys.stdout.write(json.dumps(figures(options.devices), indent=1) + "\n")


if __name__ == "__main__":
    main()
