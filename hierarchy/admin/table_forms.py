"""Forms of import and export: the file, its format, and the company it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core import signing
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.forms import ImportExportFormBase

from accounts.models import Company
from config.lib.tables.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TableConfirmForm", "TableExportForm", "TableImportForm"]

_SALT = "hierarchy.admin.tables"


class _CompanyForm(ImportExportFormBase):
    """Asks for the company only where there is a choice."""

    resource = forms.ChoiceField(label=gettext_lazy("Table"), required=False)
    company = forms.ModelChoiceField(Company.objects.none(), label=gettext_lazy("Company"))

    def __init__(self, formats: Any, resources: Any, *, companies: Any, **options: Any) -> None:
        super().__init__(formats, resources, **options)
        self._companies = list(companies[:2])
        self._resources = resources
        if len(self._companies) == 1:
            del self.fields["company"]
        else:
            self.fields["company"].queryset = companies  # type: ignore[attr-defined]

    @property
    def company_chosen(self) -> Company:
        found: Company = self.cleaned_data.get("company") or self._companies[0]
        return found

    @property
    def resource_chosen(self) -> Any:
        return self._resources[int(self.cleaned_data.get("resource") or 0)]

    def _check_sheets(self, index: str) -> None:
        """Several sheets fit into two of the formats only."""
        if len(self.resource_chosen.layouts) > 1 and not FORMATS[int(index)].MANY_SHEETS:
            self.add_error("format", _("Several sheets need an XLSX or XLS file."))


class TableImportForm(_CompanyForm):
    """The format is told by the extension of the file unless somebody chooses it."""

    import_file = forms.FileField(label=gettext_lazy("File"), max_length=200)
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), required=False, help_text=gettext_lazy("Told by the file.")
    )
    field_order = ("resource", "company", "import_file", "format")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(str(index), item.TITLE) for index, item in enumerate(FORMATS)]
        self.fields["format"].choices = [("", _("By its extension")), *choices]  # type: ignore[attr-defined]
        accepted = ",".join(sorted({f".{item.EXTENSION}" for item in FORMATS}))
        self.fields["import_file"].widget.attrs["accept"] = accepted
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        self.fields["import_file"].help_text = _("CSV, XLSX, XLS or DBF, up to %s.") % limit
        self.fields["format"].help_text = _("Choose one for a DBF with texts in code page 866.")

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            limit = filesizeformat(settings.IMPORT_MAX_BYTES)
            raise forms.ValidationError(_("The file is larger than %s. Split it.") % limit)
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("import_file")
        if file is None or "resource" in self.errors:
            return cleaned
        if not cleaned.get("format"):
            cleaned["format"] = _told_by(file.name)
        if cleaned["format"]:
            self._check_sheets(cleaned["format"])
        else:
            text = _("The name of the file should end in .csv, .xlsx, .xls or .dbf.")
            self.add_error("import_file", text)
        return cleaned


def _told_by(name: str) -> str:
    extension = name.rpartition(".")[2].lower()
    found = [index for index, item in enumerate(FORMATS) if extension == item.EXTENSION]
    return str(found[0]) if found else ""


class TableConfirmForm(forms.Form):
    """What was checked, signed: nobody can confirm another file, or somebody else's."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=2_000)

    def __init__(self, *args: Any, bound_to: Sequence[Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self._bound_to = list(bound_to)

    @staticmethod
    def sign(values: dict[str, Any], *, bound_to: Sequence[Any]) -> str:
        return signing.dumps([list(bound_to), values], salt=_SALT, compress=True)

    def clean(self) -> dict[str, Any]:
        token = self.cleaned_data.get("token", "")
        try:
            bound_to, values = signing.loads(
                token, salt=_SALT, max_age=settings.IMPORT_CONFIRM_SECONDS
            )
        except signing.BadSignature as error:
            text = _("The check of the file is too old. Upload the file again.")
            raise forms.ValidationError(text) from error
        if bound_to != self._bound_to:
            raise forms.ValidationError(_("This file was checked by somebody else, or elsewhere."))
        return {**self.cleaned_data, **values}


class TableExportForm(_CompanyForm):
    """Headings in words are for people, machine names for programs; both can be imported."""

    headings = forms.ChoiceField(
        label=gettext_lazy("Headings"),
        choices=[
            ("words", gettext_lazy("in words, for people")),
            ("names", gettext_lazy("machine names, for programs")),
        ],
        initial="words",
    )
    field_order = ("resource", "company", "format", "headings")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(str(index), item.TITLE) for index, item in enumerate(FORMATS)]
        self.fields["format"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "format" in cleaned and "resource" not in self.errors:
            self._check_sheets(cleaned["format"])
        return cleaned
