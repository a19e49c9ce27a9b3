"""What goes into a part of a network and what is known to leave it.

The meters that stand at a node itself decide. An inlet meter (a usage point of role *balance*)
measures what flows from above into its node, and so parts the network there: a node's own part
reaches from it down to the next inlet meters. Within that part

    supply      = its inlet meters + meters of role *supply* in the part
    outflow     = the inlet meters where the part ends
    consumption = meters of role *consumption* in the part
    difference  = supply − (consumption + outflow)

so each meter counts once as what it is, and the differences of all parts add up to the losses of
the network. What flows back (export) is subtracted. Parts are drawn anew for each day, because
connections have dates. docs/design/0005-rollups-and-balance.md tells why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meters.quantities import RESOURCE_SYSTEMS

from .network_parts import PartSums
from .nodes import NodeSum, may_read

if TYPE_CHECKING:
    from datetime import date

    from hierarchy.models import Node

__all__ = ["Balance", "balance", "balances"]

# Days that are held in memory at once.
_AT_ONCE = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Sums in the reading type's unit × 10^exponent, over the days on which the node's part has a
    meter that says what enters it (`days`; 0: the node is not measured, nothing is balanced).
    """

    node_id: int
    supply: NodeSum = NodeSum()
    consumption: NodeSum = NodeSum()
    outflow: NodeSum = NodeSum()
    days: int = 0

    @property
    def is_measured(self) -> bool:
        return self.days > 0

    @property
    def difference(self) -> int:
        """What is not accounted for; negative when more leaves than enters."""
        return self.supply.total - self.consumption.total - self.outflow.total

    @property
    def percent(self) -> Decimal | None:
        """Difference as a share of supply, with two decimals; None without supply."""
        if not self.supply.total:
            return None
        return (Decimal(100 * self.difference) / self.supply.total).quantize(Decimal("0.01"))

    @property
    def values(self) -> NodeSum:
        """All values behind the figure together: how much of them is there, or estimated."""
        parts = self.supply + self.consumption + self.outflow
        return NodeSum(self.difference, parts.expected, parts.received, parts.estimated)

    @property
    def completeness(self) -> Decimal | None:
        """Received ÷ expected values behind the figure, 0 to 1."""
        return self.values.completeness


def balance(*, user: Any, node: Node, first: date, last: date) -> Balance:
    """Balance of one network node over local days, both included."""
    return balances(user=user, node=node, first=first, last=last).get(
        node.pk, Balance(node_id=node.pk)
    )


def balances(*, user: Any, node: Node, first: date, last: date) -> dict[int, Balance]:
    """Balances of a network node and of all nodes below it, by node id.

    Empty for a place of the territory, and for a node that the user may not read.
    """
    if node.system not in RESOURCE_SYSTEMS.values() or not may_read(user, node):
        return {}
    sums = PartSums.of(node)
    while first <= last:
        sums.add(first, min(last, first + _AT_ONCE))
        first += _AT_ONCE + timedelta(days=1)
    return {
        key: Balance(
            node_id=key,
            supply=NodeSum(*supply),
            consumption=NodeSum(*consumption),
            outflow=NodeSum(*outflow),
            days=days,
        )
        for key, supply, consumption, outflow, days in sums.rows()
    }
