"""Memory of a listener that knows a million devices: a part of `bench.collection`, which makes them.

By itself `python -m bench.listener`, within `python -m config.embedded exec --temporary --`.
Everything the engine reads at its start is read; the figure is the whole process with its
libraries, keys and routes included.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import time
from typing import Any

import django

__all__ = ["figures", "listener_figures"]

DEVICES = 1_000_000


def figures(devices: int = DEVICES) -> list[dict[str, Any]]:
    """In an empty database."""
    from bench.fleet import fleet_make

    fleet_make(devices)
    return listener_figures(devices)


def listener_figures(devices: int) -> list[dict[str, Any]]:
    """Of the devices that are in the database."""
    # A process of its own: what making the fleet has freed would be used again and hide the growth.
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    listener = context.Process(target=_listener, args=(told,))
    listener.start()
    found = told.get()
    listener.join()
    assert found["devices"] == devices
    lower = {"must": None, "aim": None, "better": "lower"}
    return [
        lower
        | {"name": f"memory of a listener that knows {devices:,} devices", "unit": "MB"}
        | {"value": round(found["resident"] / 1e6), "must": 1_000, "aim": 300},
        lower
        | {"name": "the same at its most, while it reads", "unit": "MB"}
        | {"value": round(found["most"] / 1e6)},
        lower
        | {"name": f"reading {devices:,} devices at a start", "unit": "s"}
        | {"value": round(found["seconds"], 1)},
    ]


def _listener(told: Any) -> None:
    """The whole process, libraries included."""
    django.setup()
    from ingestion.known import known_read

    began = time.perf_counter()
    known = known_read()
    seconds = time.perf_counter() - began
    gc.collect()
    told.put(
        {
            "devices": len(known.devices),
            "resident": _resident(),
            "most": _most(),
            "seconds": seconds,
        }
    )


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _most() -> int:
    """Of this process; what `getrusage` tells holds that of the one it was begun by, too."""
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


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
