"""Search by words in texts with trigram indexes: fast with a million rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

__all__ = ["LIMIT", "search"]

# More matches than this in one field are a question to be asked more precisely.
LIMIT = 1_000
_WORDS = 6
# A trigram index finds three letters or digits in a row anywhere in a text, fewer only where a
# word begins with them, and none at all nowhere: that would read the whole table.
_FINDABLE_ANYWHERE = re.compile(r"[^\W_]{3}")
_FINDABLE = re.compile(r"[^\W_]")


def search(
    queryset: QuerySet[Any], fields: Iterable[str], text: str, *, first: Q | None = None
) -> QuerySet[Any]:
    """Rows in which one of `fields` contains every word of `text`, whatever the case.

    fields: lookup paths; "^" before one says that it holds codes or numbers: what begins with the
        text is found before the limit cuts, and needs an index for it.
    first: rows that are found before the limit cuts.
    Words of one or two characters count where a word begins with them, words without any letter
    or digit not at all. Each field is looked up on its own and at once (a trigram index serves
    one column, an OR over joined tables serves none) in what `queryset` already allows; the page
    is then read by the keys found.
    """
    words = _words(text)
    if not words:
        return queryset.none() if text.strip() else queryset
    rows = queryset.order_by().values_list("pk", flat=True)
    keys: set[Any] = set()
    for field in fields:
        if first is not None:
            keys.update(_keys(rows.filter(first), field, words))
        keys.update(_keys(rows, field, words))
    return queryset.filter(pk__in=sorted(keys))


def _words(text: str) -> list[str]:
    words = text[:200].replace("\x00", "").split()
    return [word for word in dict.fromkeys(words) if _FINDABLE.search(word)][:_WORDS]


def _keys(rows: QuerySet[Any, Any], field: str, words: Sequence[str]) -> set[Any]:
    found: set[Any] = set()
    path = field.removeprefix("^")
    rows = _in_its_company(rows, path)
    if path != field and len(words) == 1:
        found.update(rows.filter(**{f"{path}__istartswith": words[0]})[:LIMIT])
    if len(found) < LIMIT:
        for word in words:
            rows = rows.filter(_contains(path, word))
        found.update(rows[:LIMIT])
    return found


def _in_its_company(rows: QuerySet[Any, Any], path: str) -> QuerySet[Any, Any]:
    """Says what always holds: what a row refers to is of the row's company.

    So the rows of other companies are left out before they are joined.
    """
    relation = path.rpartition("__")[0]
    target: Any = rows.model
    for name in filter(None, relation.split("__")):
        target = target._meta.get_field(name).related_model
    if target is rows.model or not all(_has_company(model) for model in (target, rows.model)):
        return rows
    return rows.filter(**{f"{relation}__company": F("company")})


def _has_company(model: Any) -> bool:
    return any(field.name == "company" for field in model._meta.fields)


def _contains(path: str, word: str) -> Q:
    if _FINDABLE_ANYWHERE.search(word):
        return Q(**{f"{path}__icontains": word})
    return Q(**{f"{path}__istartswith": word}) | Q(**{f"{path}__icontains": f" {word}"})
