"""Device types: declarative drivers, in versions."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped, code_field, name_field
from meters.quantities import Resource

from .reading_types import ReadingType

__all__ = ["DeviceType", "DeviceTypeVersion", "RegisterTemplate"]


@audited()
class DeviceType(ScopedModel, Timestamped):
    """A model of meter or module. Without a company it ships with the product."""

    class Role(models.TextChoices):
        METER = "meter", _("meter")
        MODULE = "module", _("telemetry module")
        BOTH = "both", _("meter with a module inside")

    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="device_types",
        help_text=_("Empty: ships with the product and every company sees it."),
    )
    code = code_field()
    manufacturer = name_field(max_length=100, verbose_name=_("manufacturer"))
    name = name_field(verbose_name=_("model"))
    role = models.CharField(_("is a"), max_length=8, choices=Role, default=Role.METER)
    resource = models.CharField(
        _("resource"), max_length=16, choices=Resource, default=Resource.DEVICE
    )

    access: ClassVar[Access] = Access(
        view="view_device_types", change="manage_device_types", shared=True
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("device type")
        verbose_name_plural = _("device types")
        ordering = ("manufacturer", "name")
        constraints = (
            models.UniqueConstraint(
                fields=["company", "code"],
                name="meters_device_type_code_unique",
                nulls_distinct=False,
                violation_error_message=_("There already is a device type with this code."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.name}"


@audited()
class DeviceTypeVersion(ScopedModel, Timestamped):
    """One state of a type's definition. A published version never changes."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    device_type = models.ForeignKey(
        DeviceType,
        verbose_name=_("device type"),
        on_delete=models.PROTECT,
        related_name="versions",
    )
    number = models.PositiveIntegerField(_("version"))
    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False
    )
    definition = models.TextField(
        _("definition"), blank=True, validators=[MaxLengthValidator(200_000)]
    )
    comment = models.CharField(_("what changed"), max_length=500, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("published by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )

    access: ClassVar[Access] = Access(
        company="device_type__company",
        view="view_device_types",
        change="manage_device_types",
        shared=True,
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("version of a device type")
        verbose_name_plural = _("versions of device types")
        ordering = ("device_type", "-number")
        constraints = (
            models.UniqueConstraint(
                fields=["device_type", "number"], name="meters_device_type_version_unique"
            ),
            models.UniqueConstraint(
                fields=["device_type"],
                condition=Q(status="published"),
                name="meters_device_type_one_published",
                violation_error_message=_("Only one version of a type can be published."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.device_type} v{self.number}"


@audited()
class RegisterTemplate(ScopedModel):
    """One thing that devices of a version tell; `instantiate()` makes a channel of it.

    A register has several reading types where the installed meter decides what is measured.
    """

    version = models.ForeignKey(
        DeviceTypeVersion, on_delete=models.CASCADE, related_name="registers"
    )
    register = code_field(
        max_length=32, verbose_name=_("register"), help_text=_("Name the decoder gives it.")
    )
    reading_type = models.ForeignKey(
        ReadingType, verbose_name=_("reading type"), on_delete=models.PROTECT, related_name="+"
    )
    interval_minutes = models.PositiveSmallIntegerField(
        _("interval, minutes"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
        help_text=_("Length of one value, from 1 to 1440."),
    )

    access: ClassVar[Access] = Access(
        company="version__device_type__company",
        view="view_device_types",
        change="manage_device_types",
        shared=True,
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("register")
        verbose_name_plural = _("registers")
        ordering = ("version", "register")
        constraints = (
            models.UniqueConstraint(
                fields=["version", "register", "reading_type"],
                name="meters_register_template_unique",
            ),
            models.CheckConstraint(
                condition=Q(interval_minutes__gte=1, interval_minutes__lte=1440),
                name="meters_register_template_interval",
            ),
        )

    def __str__(self) -> str:
        return f"{self.register}: {self.reading_type}"
