"""Fields that most tables share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from .validators import validate_plain_text


class Timestamped(models.Model):
    """When the row came and when it last changed, in UTC."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        abstract = True
        default_permissions = ()


def name_field(*, max_length: int = 200, **options: Any) -> models.CharField[str, str]:
    """One line of text a person gave a thing."""
    options.setdefault("verbose_name", _("name"))
    return models.CharField(max_length=max_length, validators=[validate_plain_text], **options)


def code_field(*, max_length: int = 64, **options: Any) -> models.CharField[str, str]:
    """One short line that identifies a thing for people and other systems."""
    options.setdefault("verbose_name", _("code"))
    return models.CharField(max_length=max_length, validators=[validate_plain_text], **options)
