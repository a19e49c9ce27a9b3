"""When a published value and a decoded one agree."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.vectors.agreeing import agree, flattened


@pytest.mark.parametrize(
    ("got", "published"),
    [
        (5, 5),
        (Decimal("18.0078125"), Decimal("18.01")),
        (Decimal("3.6"), Decimal("3.6")),
        (Decimal("73.2862"), Decimal("73.28620147705078")),
        (Decimal("97.66") / 3, Decimal("32.55333333333333")),
        (True, "Alarm"),
        (False, "No alarm"),
        (True, True),
        (0, False),
        ("gas pull up on", "gasPullUpOn"),
        (22060126, "22060126"),
        ("7", Decimal(7)),
        (b"\x0a\xff", "0AFF"),
        (None, "null"),
        (None, None),
        ([1, Decimal("2.5")], [1, Decimal("2.5")]),
        (datetime(2024, 1, 1, tzinfo=UTC), 1704067200),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00.000Z"),
        (datetime(2024, 1, 1), "2024-01-01T00:00:00.000"),  # noqa: DTZ001  a wall clock
    ],
)
def test_what_agrees(got: Any, published: Any) -> None:
    assert agree(got, published)


@pytest.mark.parametrize(
    ("got", "published"),
    [
        (5, 6),
        (Decimal("5.004"), 5),
        (Decimal("18.02"), Decimal("18.01")),
        (Decimal("73.2863"), Decimal("73.28620147705078")),
        (Decimal("32.5533"), Decimal("32.55333333333333")),
        (True, "No alarm"),
        (False, True),
        (2, True),
        ("open", "closed"),
        ("x", 5),
        (None, 0),
        (0, None),
        (None, ""),
        ([1], [1, 2]),
        ([1, 2], [1]),
        (1, [1]),
        ([1], 1),
        (datetime(2024, 1, 1, tzinfo=UTC), 1704067201),
        (datetime(2024, 1, 1, tzinfo=UTC), "yesterday"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+01:00"),
    ],
)
def test_what_does_not_agree(got: Any, published: Any) -> None:
    assert not agree(got, published)


def test_leaves_are_found_under_their_paths() -> None:
    nested = {"a": {"b": [1, {"c": 2}]}, "d": 3}
    assert dict(flattened(nested)) == {"a.b[0]": 1, "a.b[1].c": 2, "d": 3}
