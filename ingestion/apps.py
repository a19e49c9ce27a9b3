from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def _sync_device_types(**signal: Any) -> None:
    from ingestion.services.device_types import device_types_sync

    # Only after a migration, and none back to nothing: emptying a database enters no types.
    steps = signal.get("plan")
    if steps is None or any(backwards for _migration, backwards in steps):
        return
    if settings.SYNC_DEVICE_TYPES:
        device_types_sync()


class IngestionConfig(AppConfig):
    name = "ingestion"
    verbose_name = _("Ingestion")

    def ready(self) -> None:
        from ingestion.services.device_types import version_prepare
        from meters.services.device_types import PREPARATIONS

        if version_prepare not in PREPARATIONS:
            PREPARATIONS.append(version_prepare)
        post_migrate.connect(_sync_device_types, sender=self)
