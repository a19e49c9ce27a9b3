"""Publishing versions of device types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from meters.errors import MetersError
from meters.models import DeviceTypeVersion, Installation, TelemetryModule

from .channels import instantiate

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import User

__all__ = ["PREPARATIONS", "device_type_version_publish"]

# What apps above, which can decode, ask of a version before it is published; they enter it when
# they are loaded. Called within the transaction; MetersError with the reasons stops it.
PREPARATIONS: list[Callable[[DeviceTypeVersion], None]] = []


@transaction.atomic
def device_type_version_publish(*, actor: User | None, version: DeviceTypeVersion) -> None:
    """Make a draft the version in force; the one before retires.

    Devices of the type get the channels that the new version tells of.
    """
    visible = DeviceTypeVersion.objects.all()
    if actor is not None:
        visible = DeviceTypeVersion.objects.visible_to(actor, "change")
    if not visible.filter(pk=version.pk).exists():
        raise MetersError(_("You may not publish this version."))
    version = DeviceTypeVersion.objects.select_for_update().get(pk=version.pk)
    if version.status != DeviceTypeVersion.Status.DRAFT:
        raise MetersError(_("Only a draft can be published."))
    for prepare in PREPARATIONS:
        prepare(version)
    others = DeviceTypeVersion.objects.filter(device_type=version.device_type_id)
    others.filter(status=DeviceTypeVersion.Status.PUBLISHED).update(
        status=DeviceTypeVersion.Status.RETIRED
    )
    version.status = DeviceTypeVersion.Status.PUBLISHED
    version.published_at = timezone.now()
    version.published_by = actor
    version.save()
    _instantiate_devices(version)


def _instantiate_devices(version: DeviceTypeVersion) -> None:
    device_type = version.device_type_id
    installations = Installation.objects.filter(
        meter__device_type=device_type, removed_at__isnull=True
    )
    modules = TelemetryModule.objects.filter(device_type=device_type)
    instantiate(
        installations=installations.values_list("pk", flat=True),
        modules=modules.values_list("pk", flat=True),
    )
