"""How fast telegrams of each kind of device type are decoded: `python -m bench.kinds`.

The good tests of all types that ship, read by their compiled type on one core, meaning included:
readings, series, events. Needs no services. Fixed layouts of bits and bytes also have a reader of
whole batches in columns, which is measured beside.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["figures"]

_ROUNDS = 5
_SECONDS = 0.5


def figures() -> list[dict[str, Any]]:
    """A row for each kind that some shipped type is of."""
    rows = []
    for kind, work in sorted(_work().items()):
        rate = statistics.median(_rate(work) for _ in range(_ROUNDS))
        name = f"decode telegrams of kind {kind}, {len(work)} telegrams of the library, one core"
        rows.append(
            {"name": name, "value": round(rate), "unit": "telegrams/s"}
            | {"must": None, "aim": None, "better": "higher"}
        )
    return rows


def _work() -> dict[str, list[Callable[[], Any]]]:
    """Kind → what decodes one telegram each."""
    from ingestion.decoding.testing import arrival_of, telegrams_of
    from ingestion.inspection.types import TYPES_FOLDER, compiled_type

    found: defaultdict[str, list[Callable[[], Any]]] = defaultdict(list)
    for path in sorted(TYPES_FOLDER.glob("*.yaml")):
        compiled = compiled_type(path.stem)
        for test in compiled.definition.tests:
            if test.refused:
                continue
            for payload in telegrams_of(test, compiled.definition.decode.kind):
                read = partial(compiled.decode, payload, context=arrival_of(test))
                found[compiled.definition.decode.kind].append(read)
    return found


def _rate(work: list[Callable[[], Any]]) -> float:
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < _SECONDS:
        for one in work:
            one()
        count += len(work)
    return count / passed


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    sys.stdout.write(json.dumps(figures(), indent=1) + "\n")


if __name__ == "__main__":
    main()
