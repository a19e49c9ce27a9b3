"""Writes the shipped reading types."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from meters.catalogue import CATALOGUE
from meters.models import ReadingType

__all__ = ["reading_types_sync"]


@transaction.atomic
def reading_types_sync(**_signal: Any) -> int:
    """Make the table equal to the catalogue; returns how many rows were written.

    A type that left the catalogue stays: archives may refer to it.
    """
    written = 0
    existing = {row.code: row for row in ReadingType.objects.all()}
    for entry in CATALOGUE:
        values: dict[str, Any] = {**entry._asdict(), "cim_code": entry.cim_code}
        row = existing.get(entry.code)
        if row is None:
            ReadingType.objects.create(**values)
        elif any(getattr(row, name) != value for name, value in values.items()):
            ReadingType.objects.filter(pk=row.pk).update(**values)
        else:
            continue
        written += 1
    return written
