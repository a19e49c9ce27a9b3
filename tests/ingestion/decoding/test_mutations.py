"""Spoilt telegrams into every kind: read or refused, never anything else (RELIABILITY D17)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingestion.decoding.mutating import mutation_run


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(4_000, id="short"),
        pytest.param(10_000_000, id="long", marks=pytest.mark.faults),
    ],
)
def test_spoilt_telegrams_are_read_or_refused(count: int, record_property: Any) -> None:
    told = mutation_run(count, seed=count)
    text = ", ".join(f"{name} {number:,}" for name, number in sorted(told.items()))
    record_property("counts", text)
    assert told.total() == count
    kinds = {name.partition(" ")[0] for name in told}
    assert {f"{kind} refused" for kind in kinds} <= set(told), "every kind refuses some"
