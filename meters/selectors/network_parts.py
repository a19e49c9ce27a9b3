"""A network in columns: what stands at each node itself, gathered into the parts between inlet
meters (the rules are told in `meters.selectors.balance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierarchy.models import Node
from meters.models import ReadingType, UsagePoint
from meters.wire import bigints, columns, cursor, fixed

from .nodes import MAIN_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

__all__ = ["PartSums"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_FLOWS = [role.value for role in UsagePoint.Role]
_CONSUMPTION, _SUPPLY, _BALANCE = (
    _FLOWS.index(role.value)
    for role in (UsagePoint.Role.CONSUMPTION, UsagePoint.Role.SUPPLY, UsagePoint.Role.BALANCE)
)
# total, expected, received, estimated, channels
_MEASURES, _CHANNELS = 5, 4
# A walk along the days of the nodes; what flows back counts against what flows in.
_READ = """
SELECT node_id, (day - %s::date)::bigint, array_position(%s::text[], flow)::bigint,
    sum(CASE WHEN reading_type_id = %s THEN -total ELSE total END)::bigint,
    sum(expected)::bigint, sum(received)::bigint, sum(estimated)::bigint, sum(channels)::bigint
FROM meters_node_block
WHERE day BETWEEN %s AND %s AND node_id = ANY(%s)
    AND reading_type_id IN (%s, %s)
GROUP BY node_id, day, flow
"""


class _Siblings(NamedTuple):
    """Nodes of one level in the order of their parents: places of both, where each parent's
    children begin."""

    child: Ints
    parent: Ints
    begins: Ints

    def gather(self, values: Ints) -> Ints:
        """Sums over the children of each parent; `values` has a row a child in its last but one
        dimension."""
        return np.add.reduceat(values, self.begins, axis=-2)


@dataclass(slots=True)
class PartSums:
    """Sums of the parts of a subtree; shapes: (measure, node, day) within, (measure, node) kept."""

    node: Ints
    is_root: Mask
    levels: list[_Siblings]
    main: int
    back: int
    supply: Ints
    consumption: Ints
    outflow: Ints
    days: Ints

    @classmethod
    def of(cls, top: Node) -> PartSums:
        """The subtree of a network node, nothing added yet."""
        rows = Node.objects.filter(
            company=top.company_id, tree_id=top.tree_id, lft__range=(top.lft, top.rght)
        ).order_by("pk")
        plain: Any = rows.values_list("pk", "parent_id", "level")
        found = np.array([(pk, above or -1, level) for pk, above, level in plain], np.int64)
        found = found.reshape(-1, 3)
        code = MAIN_TYPES[top.system]
        back = code.replace(".import", ".export")
        types = dict(ReadingType.objects.filter(code__in=[code, back]).values_list("code", "pk"))
        empty = [np.zeros((_MEASURES, len(found)), np.int64) for _ in range(3)]
        return cls(
            node=found[:, 0],
            is_root=found[:, 1] < 0,
            levels=_levels(*found.T),
            main=types[code],
            back=types[back] if back != code else -1,
            supply=empty[0],
            consumption=empty[1],
            outflow=empty[2],
            days=np.zeros(len(found), np.int64),
        )

    def add(self, first: date, last: date) -> None:
        """Add these days."""
        own = self._own(self._read(first, last))
        inlet, source = own[_BALANCE], own[_SUPPLY]
        inside = np.stack([own[_CONSUMPTION], source])
        outflow = np.zeros_like(inlet)
        parted = inlet[_CHANNELS] > 0
        for level in reversed(self.levels):
            ends = parted[level.child]
            inside[..., level.parent, :] += level.gather(
                np.where(ends, 0, inside[..., level.child, :])
            )
            outflow[:, level.parent] += level.gather(
                np.where(ends, inlet[:, level.child], outflow[:, level.child])
            )
        consumption, supply = inside
        used = (consumption + outflow)[_CHANNELS] > 0
        measured = parted | (source[_CHANNELS] > 0) & used
        measured |= self.is_root[:, None] & (supply[_CHANNELS] > 0)
        self.supply += np.where(measured, inlet + supply, 0).sum(axis=-1)
        self.consumption += np.where(measured, consumption, 0).sum(axis=-1)
        self.outflow += np.where(measured, outflow, 0).sum(axis=-1)
        self.days += measured.sum(axis=-1)

    def rows(self) -> Iterator[tuple[int, list[int], list[int], list[int], int]]:
        """Node, supply, consumption, outflow (total, expected, received, estimated each), days."""
        kept = (sums[:_CHANNELS].T.tolist() for sums in (self.supply, self.consumption))
        return zip(
            self.node.tolist(),
            *kept,
            self.outflow[:_CHANNELS].T.tolist(),
            self.days.tolist(),
            strict=True,
        )

    def _read(self, first: date, last: date) -> Ints:
        """(flow, measure, node, day): each node with everything below it."""
        which = (first, last, bigints(self.node), self.main, self.back)
        with cursor() as run:
            read = columns(run, _READ, first, _FLOWS, self.back, *which)
        found = [fixed(column, ">i8") for column in read]
        shape = (len(_FLOWS), _MEASURES, len(self.node), (last - first).days + 1)
        sums = np.zeros(shape, np.int64)
        place = np.searchsorted(self.node, found[0])
        for measure in range(_MEASURES):
            sums[found[2] - 1, measure, place, found[1]] = found[3 + measure]
        return sums

    def _own(self, sums: Ints) -> Ints:
        """What stands at each node itself: its sums less those of its children."""
        own = sums.copy()
        for level in self.levels:
            own[..., level.parent, :] -= level.gather(sums[..., level.child, :])
        return own


def _levels(node: Ints, parent: Ints, level: Ints) -> list[_Siblings]:
    """Every level below the topmost, from the top down."""
    found = []
    for number in range(int(level.min()) + 1, int(level.max()) + 1) if len(node) else ():
        child = np.flatnonzero(level == number)
        child = child[np.argsort(parent[child], kind="stable")]
        above = parent[child]
        begins = np.flatnonzero(np.diff(above, prepend=-1))
        found.append(_Siblings(child, np.searchsorted(node, above[begins]), begins))
    return found
