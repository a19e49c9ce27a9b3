"""Spoilt telegrams: bytes changed, cut, doubled, put in, taken from others; the same for each seed.

`python -m tests.ingestion.decoding.mutating COUNT SEED` runs it without a test, and says how many a
kind took.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from ingestion.codecs.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[bytes], object]

__all__ = ["Slowest", "mutation_run", "readers"]

_EDGES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\x0f\x2f", b"\xff" * 8, b"\x00" * 16, b"9" * 40)
_LONGEST = 4_096


class Slowest:
    """The telegram that took longest; seconds of processor time, so that a busy machine is no fault."""

    seconds = 0.0
    kind = ""
    telegram = b""

    def note(self, seconds: float, kind: str, telegram: bytes) -> None:
        if seconds > self.seconds:
            self.seconds, self.kind, self.telegram = seconds, kind, telegram


def readers() -> list[tuple[str, Read, bytes]]:
    """(kind, what reads it, a good telegram), for the tests of every type that ships."""
    from functools import partial

    from ingestion.codecs.cosem import decode_cosem
    from ingestion.codecs.mbus import decode_application, decode_mbus, decode_records
    from ingestion.codecs.nem import decode_nem
    from ingestion.codecs.obis_text import decode_obis_text
    from ingestion.codecs.senml import decode_senml
    from ingestion.codecs.wmbus import decode_wmbus
    from ingestion.decoding.testing import arrival_of, telegrams_of
    from ingestion.inspection.types import TYPES_FOLDER, compiled_type

    plain: dict[str, Read] = {
        "mbus": decode_mbus,
        "wmbus": decode_wmbus,
        "cosem": decode_cosem,
        "obis_text": decode_obis_text,
        "senml": decode_senml,
        "nem": decode_nem,
    }
    # Behind the checksums, which would catch nearly everything.
    behind: dict[str, list[tuple[Read, slice]]] = {
        "mbus": [(decode_application, slice(6, -2)), (decode_records, slice(19, -2))],
        "wmbus": [(decode_application, slice(10, None)), (decode_records, slice(15, None))],
        "obis_text": [(partial(decode_obis_text, verify=False), slice(None))],
    }
    found: list[tuple[str, Read, bytes]] = []
    for path in sorted(TYPES_FOLDER.glob("*.yaml")):
        compiled = compiled_type(path.stem)
        kind = compiled.definition.decode.kind
        for test in compiled.definition.tests:
            for telegram in telegrams_of(test, kind):
                found.append((kind, partial(compiled.decode, context=arrival_of(test)), telegram))
                if kind in plain:
                    found.append((kind, plain[kind], telegram))
                found += [(kind, read, telegram[part]) for read, part in behind.get(kind, ())]
    # Every other codec gets what is not meant for it, too.
    strangers = [(kind, read, telegram) for kind, read in plain.items() for *_, telegram in found]
    return found + strangers[:: max(1, len(strangers) // len(found))]


def mutation_run(count: int, *, seed: int, slowest: Slowest | None = None) -> Counter[str]:
    """Read so many spoilt telegrams; how many of each kind were read or refused.

    Anything but a DecodeError comes out, with the telegram in its notes.
    """
    slowest = slowest or Slowest()
    moment = random.Random(seed)
    known = readers()
    others = [telegram for *_, telegram in known]
    told: Counter[str] = Counter()
    for kind, read, telegram in _chosen(known, count, moment):
        spoilt = _spoil(telegram, others, moment)
        begin = time.process_time()
        try:
            read(spoilt)
        except DecodeError:
            told[f"{kind} refused"] += 1
        except Exception as error:
            error.add_note(f"{kind}: {spoilt.hex()}")
            raise
        else:
            told[f"{kind} read"] += 1
        slowest.note(time.process_time() - begin, kind, spoilt)
    return told


def _chosen(
    known: list[tuple[str, Read, bytes]], count: int, moment: random.Random
) -> Iterator[tuple[str, Read, bytes]]:
    """Every kind as often as every other one, however many types are of it."""
    kinds: dict[str, list[tuple[str, Read, bytes]]] = {}
    for row in known:
        kinds.setdefault(row[0], []).append(row)
    listed = sorted(kinds)
    for number in range(count):
        yield moment.choice(kinds[listed[number % len(listed)]])


def _spoil(telegram: bytes, others: list[bytes], moment: random.Random) -> bytes:
    spoilt = bytearray(telegram)
    for _ in range(moment.choice((1, 1, 1, 2, 4, 9))):
        at = moment.randrange(len(spoilt) + 1)
        way = moment.randrange(7)
        if way == 0 and spoilt:
            spoilt[at - 1] ^= 1 << moment.randrange(8)
        elif way == 1 and spoilt:
            spoilt[at - 1] = moment.randrange(256)
        elif way == 2:
            del spoilt[at:]
        elif way == 3:
            del spoilt[at : at + moment.randrange(1, 9)]
        elif way == 4:
            spoilt[at:at] = moment.choice(_EDGES)
        elif way == 5:
            spoilt[at:at] = spoilt[at : at + moment.randrange(1, 33)]
        else:
            other = moment.choice(others)
            start = moment.randrange(len(other) + 1)
            spoilt[at:] = other[start : start + 200]
    return bytes(spoilt[:_LONGEST])


def main() -> None:
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    slowest = Slowest()
    told = mutation_run(int(sys.argv[1]), seed=int(sys.argv[2]), slowest=slowest)
    for name, count in sorted(told.items()):
        sys.stdout.write(f"{name:20} {count:12,}\n")
    sys.stdout.write(f"{'all':20} {told.total():12,}\n")
    sys.stdout.write(f"slowest: {slowest.seconds * 1e3:.0f} ms, {slowest.kind}\n")
    sys.stdout.write(f"{slowest.telegram.hex()}\n")


if __name__ == "__main__":
    main()
