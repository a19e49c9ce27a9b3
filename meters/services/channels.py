"""Channels of installed meters: type → template → channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from meters.models import (
    Channel,
    DeviceTypeVersion,
    Installation,
    RegisterTemplate,
    TelemetryModule,
)
from meters.quantities import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["instantiate"]


def instantiate(*, installations: Iterable[int] = (), modules: Iterable[int] = ()) -> list[Channel]:
    """Make the channels that the published types of these meters and modules tell of.

    Measured values get a channel at the usage point, diagnostics one at the module. A channel that
    exists stays as it is: it survives every meter exchange. Returns the new channels.
    """
    wanted = [*_point_channels(list(installations)), *_module_channels(list(modules))]
    # Two templates may name one reading type; the first one makes the channel.
    unique = {
        (row.usage_point_id, row.module_id, row.reading_type_id): row for row in reversed(wanted)
    }
    return Channel.objects.bulk_create(
        list(unique.values()), batch_size=2_000, ignore_conflicts=True
    )


def _templates(device_types: set[int]) -> dict[int, list[RegisterTemplate]]:
    rows = RegisterTemplate.objects.filter(
        version__device_type__in=device_types,
        version__status=DeviceTypeVersion.Status.PUBLISHED,
    ).select_related("reading_type", "version")
    found: dict[int, list[RegisterTemplate]] = {}
    for row in rows:
        found.setdefault(row.version.device_type_id, []).append(row)
    return found


def _point_channels(keys: list[int]) -> list[Channel]:
    rows = list(
        Installation.objects.filter(pk__in=keys).values_list(
            "company_id", "usage_point_id", "usage_point__resource", "meter__device_type_id"
        )
    )
    templates = _templates({row[3] for row in rows})
    return [
        Channel(
            company_id=company_id,
            usage_point_id=usage_point_id,
            reading_type=template.reading_type,
            interval_minutes=template.interval_minutes,
        )
        for company_id, usage_point_id, resource, device_type_id in rows
        for template in templates.get(device_type_id, ())
        if template.reading_type.resource == resource
    ]


def _module_channels(keys: list[int]) -> list[Channel]:
    existing = Channel.objects.filter(module=OuterRef("pk"))
    rows = list(
        TelemetryModule.objects.filter(pk__in=keys)
        .exclude(Exists(existing))
        .values_list("company_id", "pk", "device_type_id")
    )
    templates = _templates({row[2] for row in rows})
    return [
        Channel(
            company_id=company_id,
            module_id=module_id,
            reading_type=template.reading_type,
            interval_minutes=template.interval_minutes,
        )
        for company_id, module_id, device_type_id in rows
        for template in templates.get(device_type_id, ())
        if template.reading_type.resource == Resource.DEVICE
    ]
