from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def _sync_catalogue(**signal: Any) -> None:
    from meters.services.reading_types import reading_types_sync

    # A migration back to nothing has no table to write to.
    if signal.get("plan") is None or not any(backwards for _, backwards in signal["plan"]):
        reading_types_sync()


class MetersConfig(AppConfig):
    name = "meters"
    verbose_name = _("Meters")

    def ready(self) -> None:
        post_migrate.connect(_sync_catalogue, sender=self)
