"""Paging that never counts a whole table and never joins what it skips."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

__all__ = ["BoundedPaginator"]


class BoundedPaginator(Paginator[Any]):
    """Counts up to `limit` rows; what lies beyond is reached by searching, not by paging."""

    limit = 10_000

    @cached_property
    def counted(self) -> int:
        """Rows found when looking for one more than the limit."""
        rows = self.object_list
        if hasattr(rows, "order_by"):
            # Counting stops at the limit, so an index scan of a few thousand entries is the most.
            return int(rows.order_by()[: self.limit + 1].count())
        return len(rows)

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        return min(self.counted, self.limit)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than can be paged through."""
        return self.counted > self.limit

    def page(self, number: int | str) -> Page[Any]:
        """The keys of the page first: the rows before it are only stepped over in an index."""
        rows = self.object_list
        if not isinstance(rows, QuerySet) or not rows.model._meta.managed:
            # A view has no index to find its keys in again.
            return super().page(number)
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = rows.values_list("pk", flat=True)[first : min(first + self.per_page, self.count)]
        return Page(rows.filter(pk__in=list(keys)), number, self)
