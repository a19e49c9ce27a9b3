"""Companies: the tenants."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.capabilities import company_permissions
from accounts.grants import Access, ScopedModel
from config.lib.modeling import Timestamped, name_field
from config.lib.validators import validate_currency, validate_subnet, validate_time_zone

__all__ = ["Company"]


def default_languages() -> list[str]:
    """Every language the product speaks."""
    return [code for code, _name in settings.LANGUAGES]


@audited()
class Company(ScopedModel, Timestamped):
    """A tenant: everything it owns is isolated from every other company's."""

    name = name_field(unique=True)
    code = models.SlugField(
        _("code"),
        max_length=32,
        unique=True,
        help_text=_("Short name used in file names, topics and addresses."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        validators=[validate_time_zone],
        default="UTC",
        help_text=_("IANA name such as Europe/Kyiv. Days of the archive begin at its midnight."),
    )
    currency = models.CharField(
        _("currency"), max_length=3, validators=[validate_currency], default="EUR"
    )
    languages = ArrayField(
        models.CharField(max_length=8, choices=settings.LANGUAGES),
        verbose_name=_("languages"),
        default=default_languages,
    )
    allowed_subnets = ArrayField(
        models.CharField(max_length=43, validators=[validate_subnet]),
        verbose_name=_("allowed device subnets"),
        default=list,
        blank=True,
        size=256,
        help_text=_("Networks that devices may send from, one a line. Empty: any address."),
    )
    second_factor_required = models.BooleanField(
        _("second factor required"),
        default=False,
        help_text=_("Members must sign in with a one-time code or a security key."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    access: ClassVar[Access] = Access(
        company="",
        view="view_company",
        change="manage_company",
        add="manage_platform",
        delete="manage_platform",
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ("name",)
        permissions = company_permissions()

    def __str__(self) -> str:
        return self.name
