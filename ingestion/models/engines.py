"""Where the engines are that work for the shares of the devices."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

__all__ = ["EngineShare"]


class EngineShare(models.Model):
    """Who took a share last, and where frames are handed on to it; its lock says if it still does."""

    share = models.PositiveSmallIntegerField(primary_key=True)
    address = models.CharField(max_length=100)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        db_table = "ingestion_engine_share"

    def __str__(self) -> str:
        return f"{self.share}: {self.address}"
