"""A collection service in a process of its own: `python -m tests.faults.listener UDP TCP`.

Answers every line on standard input with its figures, a line of JSON; ends in good order when
standard input ends. Statements sent to the database are counted where the driver sends them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from typing import Any

import psycopg

STATEMENTS: Counter[str] = Counter()


def count_statements() -> None:
    """Everything that goes through psycopg, whoever asks."""
    cursor: Any = psycopg.Cursor
    for name in ("execute", "executemany", "copy"):
        setattr(cursor, name, _counted(getattr(cursor, name)))


def _counted(method: Any) -> Any:
    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        STATEMENTS["all"] += 1
        return method(self, *arguments, **options)

    return call


def figures(collection: Any) -> dict[str, Any]:
    from ingestion.models import Transport

    engine, intake = collection.engine, collection.intake
    listeners = collection.listeners
    udp, tcp = listeners.get(Transport.UDP), listeners.get(Transport.TCP)
    return {
        "state": engine.state,
        "udp": collection.port(Transport.UDP),
        "tcp": collection.port(Transport.TCP),
        "shares": sorted(engine.shares.held),
        "handed_on": engine.handing_on.handed_on,
        "frames": engine.figures.frames,
        "stored": engine.figures.stored,
        "repeated": engine.figures.repeated,
        "batches": engine.figures.batches,
        "stumbled": engine.figures.stumbled,
        "refused": {str(name): count for name, count in dict(engine.figures.refused).items()},
        "held": intake.limit - intake.room(),
        "received": 0 if udp is None else udp.received,
        "dropped": 0 if udp is None else udp.note_drops(),
        "tcp_received": 0 if tcp is None else tcp.received,
        "tcp_refused": {} if tcp is None else dict(tcp.refused),
        "connections": 0 if tcp is None else tcp.connections,
        "statements": STATEMENTS["all"],
    }


def main(udp: int, tcp: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    count_statements()
    import django

    django.setup()
    from ingestion.collection import Collection

    collection = Collection(host="127.0.0.1", udp_port=udp, tcp_port=tcp)
    collection.start()
    for _line in sys.stdin:
        sys.stdout.write(json.dumps(figures(collection)) + "\n")
        sys.stdout.flush()
    collection.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
