"""Connecting usage points to network nodes, with dates."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Company
from meters.errors import MetersError
from meters.models import Connection, UsagePoint
from meters.quantities import RESOURCE_SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hierarchy.models import Node

__all__ = ["company_today", "connections_settle", "usage_point_connect"]


def company_today(company: Company, at: datetime | None = None) -> date:
    """The company's calendar day at `at` (now)."""
    return (at or timezone.now()).astimezone(ZoneInfo(company.time_zone)).date()


@transaction.atomic
def usage_point_connect(
    *, actor: Any, usage_point: UsagePoint, node: Node, valid_from: date
) -> Connection:
    """Connect to a network node from a day on; the connection before ends on that day.

    A connection that was planned for later keeps its place: this one ends where it begins.
    """
    usage_point = UsagePoint.objects.select_for_update().get(pk=usage_point.pk)
    check_may_change(actor, usage_point)
    if node.system != RESOURCE_SYSTEMS[usage_point.resource]:
        text = _("%(node)s is no node of the network that supplies %(point)s.")
        raise MetersError(text % {"node": node, "point": usage_point})
    connections = Connection.objects.filter(usage_point=usage_point)
    later = connections.filter(valid_from__gt=valid_from).order_by("valid_from").first()
    connections.filter(valid_from=valid_from).delete()
    current = connections.filter(valid_from__lt=valid_from).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=valid_from)
    )
    current.update(valid_to=valid_from)
    connection = Connection(
        company_id=usage_point.company_id,
        usage_point=usage_point,
        node=node,
        valid_from=valid_from,
        valid_to=later.valid_from if later else None,
    )
    connection.full_clean()
    connection.save()
    connections_settle(usage_points=[usage_point.pk])
    return connection


def connections_settle(*, usage_points: Iterable[int] | None = None) -> int:
    """Let `UsagePoint.network_node` name today's connection; returns how many rows changed.

    Without keys every company is gone through: the daily task that lets dates take effect.
    """
    points = UsagePoint.objects.all()
    if usage_points is not None:
        points = points.filter(pk__in=list(usage_points))
    changed = 0
    for company in Company.objects.all():
        today = company_today(company)
        in_force = Connection.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=today),
            usage_point=OuterRef("pk"),
            valid_from__lte=today,
        ).order_by()
        current = Subquery(in_force.values("node")[:1])
        rows = points.filter(company=company).annotate(current=current)
        # A comparison with nothing is neither true nor false, so both sides are asked for first.
        known = Q(current__isnull=False, network_node__isnull=False)
        same = known & Q(current=F("network_node"))
        none = Q(current__isnull=True, network_node__isnull=True)
        stale = rows.exclude(same | none).order_by().values("pk")
        changed += points.filter(pk__in=stale).update(network_node=current)
    return changed


def check_may_change(actor: Any, usage_point: UsagePoint) -> None:
    """Raise MetersError unless `actor` (None: the system) may change the usage point."""
    if actor is None:
        return
    if not UsagePoint.objects.visible_to(actor, "change").filter(pk=usage_point.pk).exists():
        raise MetersError(_("You may not change this usage point."))
