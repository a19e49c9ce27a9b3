"""What people fill in to have meters read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

__all__ = ["ArchiveForm", "ReadNowForm", "day_field"]


def day_field(label: Any, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"})
    )


class ReadNowForm(forms.Form):
    """Why the registers are wanted."""

    note = forms.CharField(label=gettext_lazy("Reason"), max_length=300, required=False)


class ArchiveForm(forms.Form):
    """The days to be read again."""

    first = day_field(gettext_lazy("From"))
    last = day_field(gettext_lazy("Until"))
    note = forms.CharField(label=gettext_lazy("Reason"), max_length=300, required=False)
