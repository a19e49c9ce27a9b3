"""Asking the engine to try kept frames again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Activity, Company
from accounts.services.activity import activity_record
from ingestion.codecs.universal_frame import device_id
from ingestion.errors import IngestionError
from ingestion.foreign.messages import UNRECOGNISED, identity_number
from ingestion.models import ReplayRequest
from ingestion.replay.requests import device_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from ingestion.models import Quarantine

__all__ = ["replay_devices", "replay_everything", "replay_request"]

_MOST = 1_000


@transaction.atomic
def replay_request(*, actor: Any, rows: QuerySet[Quarantine]) -> int:
    """Have the frames of the devices in these rows tried again; returns how many devices.

    actor: None for the system itself. Only rows that the actor may change count.
    """
    if actor is not None:
        rows = rows & rows.model.objects.visible_to(actor, "change")
    found = rows.exclude(device="").order_by().values_list("device", "company_id")
    chosen = list(found.distinct()[: _MOST + 1])
    if len(chosen) > _MOST:
        text = _("More than %(limit)d devices are asked for at once. Narrow them down first.")
        raise IngestionError(text % {"limit": _MOST})
    count = replay_devices(devices={device for device, _company in chosen})
    for company in Company.objects.filter(pk__in={key for _device, key in chosen if key}):
        names = sorted(device for device, key in chosen if key == company.pk)
        _record(actor, company, names)
    return count


def replay_devices(*, devices: Iterable[str]) -> int:
    """Have the frames of these devices tried again, named as in the quarantine: RDO-0000000001,
    or by the identity of a foreign one.

    Raises IngestionError for a name that is none.
    """
    try:
        keys = sorted({_number(device) for device in devices})
    except ValueError as error:
        raise IngestionError(str(error)) from error
    if keys:
        ReplayRequest.objects.create(kind=ReplayRequest.Kind.DEVICES, keys=keys)
    return len(keys)


def _number(device: str) -> int:
    if device == UNRECOGNISED or " " in device.strip():
        return identity_number(device)
    return device_number(device_id(device))


def replay_everything() -> None:
    """Have everything that is kept and known by now tried again."""
    ReplayRequest.objects.create(kind=ReplayRequest.Kind.EVERYTHING, keys=[])


def _record(actor: Any, company: Company, devices: list[str]) -> None:
    if actor is not None:
        activity_record(
            user=actor,
            kind=Activity.Kind.IMPORT,
            detail=f"Kept frames tried again: {', '.join(devices)}",
            company=company,
        )
