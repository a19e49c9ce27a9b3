"""Keys of telemetry modules and the one-time secrets they are claimed with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from config.lib.modeling import Timestamped
from meters.models import TelemetryModule

__all__ = ["Claim", "ModuleKey"]

_ACCESS = Access(
    company="module__company",
    view="view_meters",
    change="manage_meters",
    nodes=("module__place",),
)


@audited(exclude=("sealed",))
class ModuleKey(ScopedModel, Timestamped):
    """An AES-128 key of a module under one of the two selectors of the universal protocol.

    The key itself is only readable with MASTER_KEY, and only through `ingestion.keys`.
    """

    class Selector(models.IntegerChoices):
        A = 0, "A"
        B = 1, "B"

    class State(models.TextChoices):
        OFFERED = "offered", _("offered, not yet used by the module")
        ACTIVE = "active", _("in use")
        RETIRED = "retired", _("retired")

    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        related_name="keys",
    )
    selector = models.SmallIntegerField(_("selector"), choices=Selector, default=Selector.A)
    sealed = models.BinaryField()
    check_value = models.CharField(
        _("check value"),
        max_length=6,
        help_text=_("First bytes of zeros enciphered with the key: tells two keys apart."),
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ACTIVE)
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)

    access: ClassVar[Access] = _ACCESS

    class Meta(ScopedModel.Meta):
        verbose_name = _("module key")
        verbose_name_plural = _("module keys")
        ordering = ("-valid_from", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["module", "selector"],
                condition=~Q(state="retired"),
                name="ingestion_module_key_selector",
                violation_error_message=_("The module already has a key under this selector."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.module} {self.get_selector_display()} {self.check_value}"


@audited(exclude=("sealed",))
class Claim(ScopedModel, Timestamped):
    """The secret printed on a module: with it, and only once, the module gets its first key."""

    module = models.OneToOneField(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        related_name="claim",
    )
    sealed = models.BinaryField()
    spent_at = models.DateTimeField(_("spent"), null=True, editable=False)

    access: ClassVar[Access] = _ACCESS

    class Meta(ScopedModel.Meta):
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        ordering = ("-created_at", "pk")

    def __str__(self) -> str:
        return str(self.module)
