"""Search in lists and autocompletes: fast with a million rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

__all__ = ["LIMIT", "search", "word_condition", "words_of"]

# More matches than this in one field are a question to be asked more precisely.
LIMIT = 1_000
_WORDS = 6
# A trigram index finds three characters anywhere; fewer only at the beginning of a word.
_TRIGRAM = 3


def search(queryset: QuerySet[Any], fields: Iterable[str], text: str) -> QuerySet[Any]:
    """Rows in which one of `fields` contains every word of `text`, whatever the case.

    A word of one or two characters counts where a word begins with it. Each field is looked up
    on its own and at once (a trigram index serves one column, an OR over joined tables serves
    none) in what `queryset` already allows; the page is then read by the keys found. What equals
    the text or begins with it comes before the limit cuts.
    """
    words = words_of(text)
    if not words:
        return queryset
    keys: set[Any] = set()
    for field in fields:
        keys.update(_keys(queryset, field, words))
    return queryset.filter(pk__in=sorted(keys))


def words_of(text: str) -> list[str]:
    """What is looked for: the first words of what somebody typed, each once."""
    words = text[:200].replace("\x00", "").split()
    return list(dict.fromkeys(words))[:_WORDS]


def word_condition(field: str, word: str) -> Q:
    """Rows whose `field` contains the word; a short one at the beginning of a word."""
    if len(word) >= _TRIGRAM:
        return Q(**{f"{field}__icontains": word})
    return Q(**{f"{field}__istartswith": word}) | Q(**{f"{field}__icontains": f" {word}"})


def _keys(queryset: QuerySet[Any], field: str, words: Sequence[str]) -> set[Any]:
    rows = queryset.order_by().values_list("pk", flat=True)
    found: set[Any] = set()
    if len(words) == 1:
        found.update(rows.filter(**{f"{field}__istartswith": words[0]})[:LIMIT])
    if len(found) < LIMIT:
        for word in words:
            rows = rows.filter(word_condition(field, word))
        found.update(rows[:LIMIT])
    return found
