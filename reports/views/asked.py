"""What an address asks for: rows by key, days, choices. Nothing here trusts what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.http import Http404

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

__all__ = ["choice", "key_of", "one_or_404"]

# The largest key PostgreSQL can hold; a longer number in an address is nobody's.
_LARGEST_KEY = 2**63 - 1

M = TypeVar("M", bound="Model")


def key_of(text: str | int) -> int | None:
    """A number that can be a key, else None."""
    text = str(text)
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    number = int(text)
    return number if number <= _LARGEST_KEY else None


def one_or_404(rows: QuerySet[M], key: str | int) -> M:
    """The row with that key among those the reader sees; absent and foreign answer the same."""
    number = key_of(key)
    found = None if number is None else rows.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def choice(request: HttpRequest, name: str, choices: Sequence[str], default: str) -> str:
    """What the address says for `name` where it is one of the choices."""
    asked = request.GET.get(name, default)
    return asked if asked in choices else default
