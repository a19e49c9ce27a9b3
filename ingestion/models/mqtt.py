"""What modules log in with where MQTT is spoken."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from config.lib.modeling import Timestamped
from meters.models import TelemetryModule

__all__ = ["MqttLogin"]


@audited(exclude=("sealed",))
class MqttLogin(ScopedModel, Timestamped):
    """The MQTT password of a module; its user name is the device id.

    The password can be read with MASTER_KEY only, through `ingestion.services.mqtt_logins`: brokers
    want it hashed, each in a way of its own.
    """

    module = models.OneToOneField(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        related_name="mqtt_login",
    )
    sealed = models.BinaryField()
    # Beside the sealed password, which the audit must not keep, it tells that there is a new one.
    password_since = models.DateTimeField(_("password since"), default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    access: ClassVar[Access] = Access(
        company="module__company",
        view="view_meters",
        change="manage_meters",
        nodes=("module__place",),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("MQTT login")
        verbose_name_plural = _("MQTT logins")
        ordering = ("-created_at", "pk")
        indexes = (models.Index(fields=["updated_at"], name="ingestion_mqtt_login_changed"),)

    def __str__(self) -> str:
        return str(self.module)
