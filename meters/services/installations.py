"""Installing, removing and exchanging meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from meters.errors import MetersError
from meters.models import Installation, InstallationReading, Meter, ReadingType, UsagePoint
from meters.quantities import Accumulation

from .channels import instantiate
from .usage_points import check_may_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

__all__ = ["Exchange", "installations_settle", "meter_exchange", "meter_install", "meter_remove"]


class Exchange(NamedTuple):
    """What an exchange did: the installation that ended and the one that began."""

    removed: Installation
    installed: Installation


@transaction.atomic
def meter_install(
    *,
    actor: Any,
    meter: Meter,
    usage_point: UsagePoint,
    at: datetime,
    readings: Mapping[str, Decimal],
    multiplier: Decimal | int = 1,
    reason: str = "",
) -> Installation:
    """Install a meter that shows `readings` (reading type code → displayed unit) at `at` (UTC).

    `at` may lie in the past. Raises MetersError when the meter or the usage point is taken then.
    """
    meter, usage_point = _locked(actor, meter, usage_point)
    installation = Installation(
        company_id=usage_point.company_id,
        meter=meter,
        usage_point=usage_point,
        installed_at=at,
        multiplier=multiplier,
        reason=reason,
    )
    installation.full_clean()
    installation.save()
    for reading_type, value in _registers(readings, usage_point):
        row = InstallationReading(
            company_id=installation.company_id,
            installation=installation,
            reading_type=reading_type,
            opening=value,
        )
        row.full_clean()
        row.save()
    installations_settle(installations=[installation.pk])
    return installation


@transaction.atomic
def meter_remove(
    *,
    actor: Any,
    installation: Installation,
    at: datetime,
    readings: Mapping[str, Decimal],
    reason: str = "",
) -> Installation:
    """End an installation with its closing readings (reading type code → displayed unit)."""
    _locked(actor, installation.meter, installation.usage_point)
    installation = Installation.objects.select_for_update().get(pk=installation.pk)
    if installation.removed_at is not None and installation.removed_at <= at:
        raise MetersError(_("%s was already removed by then.") % installation.meter)
    installation.removed_at = at
    if reason:
        installation.reason = reason
    installation.full_clean()
    installation.save()
    for reading_type, value in _registers(readings, installation.usage_point):
        row = InstallationReading.objects.filter(
            installation=installation, reading_type=reading_type
        ).first()
        if row is None:
            text = _("%(meter)s has no opening reading of %(register)s.")
            raise MetersError(text % {"meter": installation.meter, "register": reading_type})
        row.closing = value
        row.full_clean()
        row.save()
    installations_settle(installations=[installation.pk])
    return installation


@transaction.atomic
def meter_exchange(
    *,
    actor: Any,
    usage_point: UsagePoint,
    at: datetime,
    closing: Mapping[str, Decimal],
    meter: Meter,
    opening: Mapping[str, Decimal],
    multiplier: Decimal | int | None = None,
    reason: str = "",
) -> Exchange:
    """Replace the meter of a usage point; may be entered long after it happened.

    closing, opening: reading type code → what the registers showed, in displayed units.
    multiplier: of the new meter; None keeps the old one's. Channels stay, so the archive of the
    usage point goes on without a break. Raises MetersError when nothing was installed at `at`.
    """
    if at > timezone.now():
        raise MetersError(_("An exchange is entered after it happened, not before."))
    meter, usage_point = _locked(actor, meter, usage_point)
    before = (
        Installation.objects.filter(usage_point=usage_point, installed_at__lt=at)
        .filter(Q(removed_at__isnull=True) | Q(removed_at__gt=at))
        .first()
    )
    if before is None:
        text = _("No meter was installed at %(point)s at that time.")
        raise MetersError(text % {"point": usage_point})
    if before.meter_id == meter.pk:
        raise MetersError(_("%s can't be exchanged for itself.") % meter)
    _check_complete(before, closing)
    removed = meter_remove(actor=actor, installation=before, at=at, readings=closing, reason=reason)
    installed = meter_install(
        actor=actor,
        meter=meter,
        usage_point=usage_point,
        at=at,
        readings=opening,
        multiplier=before.multiplier if multiplier is None else multiplier,
        reason=reason,
    )
    return Exchange(removed, installed)


def installations_settle(*, installations: Iterable[int]) -> None:
    """Make meters' status and current usage point, and the channels, follow these installations.

    Also called after rows were written in bulk or edited in the admin.
    """
    keys = list(installations)
    meters = Installation.objects.filter(pk__in=keys).values_list("meter_id", flat=True)
    meters_settle(meters=meters)
    instantiate(installations=keys)


# One pass over the meters named: the installation in force now, else installed/removed/stored.
_SETTLE = """
UPDATE meters_meter meter SET usage_point_id = state.usage_point_id, status = state.status
FROM (
    SELECT m.id, i.usage_point_id,
        CASE WHEN i.id IS NOT NULL THEN 'installed'
             WHEN m.status = 'scrapped' THEN 'scrapped'
             WHEN EXISTS (SELECT 1 FROM meters_installation p WHERE p.meter_id = m.id
                          AND p.removed_at <= now()) THEN 'removed'
             ELSE 'stored' END AS status
    FROM meters_meter m
    LEFT JOIN meters_installation i ON i.meter_id = m.id AND i.installed_at <= now()
        AND (i.removed_at IS NULL OR i.removed_at > now())
    WHERE m.id = ANY(%s)
) state
WHERE state.id = meter.id
  AND (meter.usage_point_id, meter.status)
      IS DISTINCT FROM (state.usage_point_id, state.status)
"""


def meters_settle(*, meters: Iterable[int]) -> int:
    """Let each meter's status and usage point follow its installations; returns rows changed."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [list(meters)])
        return int(cursor.rowcount)


def _locked(actor: Any, meter: Meter, usage_point: UsagePoint) -> tuple[Meter, UsagePoint]:
    """Both rows locked, in one order everywhere, after the permission check."""
    usage_point = UsagePoint.objects.select_for_update().get(pk=usage_point.pk)
    check_may_change(actor, usage_point)
    visible = Meter.objects.all() if actor is None else Meter.objects.visible_to(actor, "change")
    found = visible.filter(pk=meter.pk, company_id=usage_point.company_id)
    # The rows behind joins of the door need no lock, and some of them can't have one.
    if not found.exists():
        raise MetersError(_("You may not change this meter, or it belongs to another company."))
    return Meter.objects.select_for_update().get(pk=meter.pk), usage_point


def _registers(
    readings: Mapping[str, Decimal], usage_point: UsagePoint
) -> list[tuple[ReadingType, Decimal]]:
    known = {
        row.code: row
        for row in ReadingType.objects.filter(
            code__in=readings,
            resource=usage_point.resource,
            accumulation=Accumulation.CUMULATIVE,
        )
    }
    if unknown := sorted(set(readings) - set(known)):
        text = _("%(codes)s: no register of %(resource)s.")
        resource = usage_point.get_resource_display()
        raise MetersError(text % {"codes": ", ".join(unknown), "resource": resource})
    return [(known[code], value) for code, value in readings.items()]


def _check_complete(installation: Installation, closing: Mapping[str, Decimal]) -> None:
    opened = installation.readings.values_list("reading_type__code", flat=True)
    if missing := sorted(set(opened) - set(closing)):
        text = _("Closing readings are missing: %s.")
        raise MetersError(text % ", ".join(missing))
