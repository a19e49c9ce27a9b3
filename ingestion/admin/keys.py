"""Keys of modules in the admin: issued, rotated, retired; shown once, if ever."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter
from accounts.admin.writing import ServiceAdmin, ServiceForm
from accounts.grants import grants_of
from config.lib.tables.errors import TableFileError
from config.lib.tables.uploads import SealedUploadStorage
from hierarchy.admin.tables import TableAdmin
from ingestion.models import ModuleKey
from ingestion.services.keys import Issued, module_key_issue, module_key_retire, module_key_rotate
from ingestion.tables.keys import KeyResource

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

__all__ = ["ModuleKeyAdmin", "SecretAdmin", "secret_input"]

logger = logging.getLogger(__name__)

_HEX_DIGITS = 32


def secret_input() -> forms.TextInput:
    """A field that no browser remembers."""
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 48})


class KeyForm(ServiceForm):
    """A key that a module has already, or one made for it."""

    key_secret = forms.CharField(
        label=gettext_lazy("Key"),
        required=False,
        max_length=60,
        widget=secret_input(),
        help_text=gettext_lazy(
            "32 hexadecimal digits, as the maker delivered it. Empty: a new key is made and shown"
            " to you once, to be put into the module."
        ),
    )

    class Meta:
        model = ModuleKey
        fields = ("module", "selector")

    def _get_validation_exclusions(self) -> set[str]:
        # A key under the same selector gives way to the new one.
        return super()._get_validation_exclusions() | {"selector"}

    def clean_key_secret(self) -> bytes | None:
        text = "".join(self.cleaned_data["key_secret"].replace("-", "").replace(":", "").split())
        if not text:
            return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(text) != _HEX_DIGITS or len(key) * 2 != _HEX_DIGITS:
            text = _("A key has %(count)d hexadecimal digits.")
            raise ValidationError(text % {"count": _HEX_DIGITS})
        return key

    def write(self) -> ModuleKey:
        return self.issue().row

    def issue(self) -> Issued:
        """Issue the key; the answer is the only place it stands in the clear."""
        data = self.cleaned_data
        return module_key_issue(
            actor=self.actor,
            module=data["module"],
            key=data["key_secret"],
            selector=data["selector"],
        )


class SecretAdmin(ServiceAdmin):
    """Base of the pages about secrets: added by a service, shown once, never opened for change."""

    shown_template = "admin/ingestion/shown_once.html"

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether the reader may change secrets of some module."""
        return grants_of(request.user).may(self.model.access.capability("change"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def show_once(self, request: HttpRequest, obj: Any, secret: str) -> HttpResponse:
        """The page with the secret, which nothing keeps."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.verbose_name,
            "obj": obj,
            "secret": secret,
        }
        answer = TemplateResponse(request, self.shown_template, context)
        answer["Cache-Control"] = "no-store"
        return answer

    def each_allowed(
        self, request: HttpRequest, rows: QuerySet[Any], call: Callable[[Any], Any], done: str
    ) -> None:
        """Call the service for every row; say what was refused, and `done` % count for the rest."""
        count = 0
        for row in rows.select_related("module")[:1_000]:
            try:
                call(row)
                count += 1
            except ValidationError as error:
                messages.error(request, f"{row}: {' '.join(error.messages)}")
        if count:
            messages.success(request, done % {"count": count})

    @admin.display(description=gettext_lazy("company"))
    def company_name(self, row: Any) -> str:
        return str(row.module.company)


@admin.register(ModuleKey)
class ModuleKeyAdmin(TableAdmin, SecretAdmin):
    """A key is told apart from others by its check value; the key itself is shown nowhere.

    A list of keys is read in from a file, and never written to one.
    """

    form = KeyForm
    table_resources = (KeyResource,)
    tmp_storage_class = SealedUploadStorage
    list_display = ("module", "selector", "check_value", "state", "valid_from", "company_name")
    list_filter = (CompanyFilter, "state")
    list_select_related = ("module__company",)
    search_fields = ("^module__serial", "^module__address", "check_value")
    search_help_text = gettext_lazy("Serial number, device id or check value")
    ordering = ("-valid_from", "pk")
    sortable_by = ("valid_from",)
    linked_lookups = ("module",)
    autocomplete_fields = ("module",)
    actions = ("rotate", "retire")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return False

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        # What a parser stumbled over may be a key: neither a page nor a log repeats it.
        if not isinstance(e, TableFileError):
            logger.error("a list of keys could not be read: %s", type(e).__name__)
            e = TableFileError(_("The file can't be read. Save it in another format."))
        form.add_error("import_file", str(e))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["module", "selector", "key_secret"]
        return ["module", "selector", "check_value", "state", "valid_from", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        issued = form.issue()
        obj.__dict__.update(issued.row.__dict__)
        obj.made = None if form.cleaned_data["key_secret"] else issued.key

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if obj.made is not None:
            return self.show_once(request, obj, obj.made.hex(" ", 2))
        return super().response_add(request, obj, post_url_continue)

    @admin.action(description=gettext_lazy("Offer a new key"), permissions=["manage"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ModuleKey]) -> None:
        self.each_allowed(
            request,
            queryset,
            lambda row: module_key_rotate(actor=request.user, module=row.module),
            _("%(count)d modules are given a new key when they send the next time."),
        )

    @admin.action(description=gettext_lazy("Take out of use"), permissions=["manage"])
    def retire(self, request: HttpRequest, queryset: QuerySet[ModuleKey]) -> None:
        self.each_allowed(
            request,
            queryset,
            lambda row: module_key_retire(actor=request.user, key=row),
            _("%(count)d keys are out of use; frames sealed with them are refused from now on."),
        )
