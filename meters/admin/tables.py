"""Import and export of what is installed: every page offers its own table and those of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hierarchy.admin.tables import TableAdmin
from meters.tables.resources import WideResource, WorkbookResource

if TYPE_CHECKING:
    from hierarchy.tables.resources import TableResource

__all__ = ["TableAdmin", "tables_with_all"]


def tables_with_all(own: type[TableResource]) -> tuple[type[TableResource], ...]:
    """`table_resources` of a page: its own kind first."""
    return (own, WideResource, WorkbookResource)
