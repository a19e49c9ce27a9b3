"""Columns of nodes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.lib.tables.columns import Column, Table
from hierarchy.kinds import Kind
from hierarchy.models import Node

from .plan import Layout

__all__ = ["CHAIN", "NODES", "NODES_LAYOUT"]

NODES = Table(
    "nodes",
    _("nodes"),
    (
        Column.of(Node, "system", dbf="SYSTEM", needed=True, example="territory"),
        Column.of(Node, "kind", dbf="KIND", example="building"),
        Column.of(Node, "name", dbf="NAME", needed=True, example="5"),
        Column.of(Node, "code", dbf="CODE", example="B-0005"),
        Column(
            name="parent",
            heading=_("parent (code or full name)"),
            dbf="PARENT",
            example="Kyiv, Main Street",
        ),
        Column.of(Node, "latitude", dbf="LATITUDE", example="50.450100"),
        Column.of(Node, "longitude", dbf="LONGITUDE", example="30.523400"),
    ),
)
NODES_LAYOUT = Layout(NODES, {"nodes": {column.name: column.name for column in NODES.columns}})

# Places of a wide sheet, from the top down: kind → (DBF name, example).
_CHAIN = {
    Kind.REGION: ("REGION", ""),
    Kind.CITY: ("CITY", "Kyiv"),
    Kind.DISTRICT: ("DISTRICT", ""),
    Kind.STREET: ("STREET", "Main Street"),
    Kind.SITE: ("SITE", ""),
    Kind.BUILDING: ("BUILDING", "5"),
    Kind.ENTRANCE: ("ENTRANCE", ""),
    Kind.APARTMENT: ("APARTMENT", "12"),
}
CHAIN: tuple[Column, ...] = tuple(
    Column.of(Node, "name", name=kind.value, heading=kind.label, dbf=dbf, example=example)
    for kind, (dbf, example) in _CHAIN.items()
)
