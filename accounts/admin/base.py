"""The base of every admin page: rows, choices and buttons come through the one door."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.db import models
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.deletion import deletion_preview
from accounts.grants import grants_of
from accounts.models import Company
from config.lib.paging import BoundedPaginator
from config.lib.search import search

if TYPE_CHECKING:
    from django.db.models import ForeignKey, ManyToManyField, Model, QuerySet
    from django.forms import BaseInlineFormSet
    from django.http import HttpRequest, HttpResponse

__all__ = ["CompanyFilter", "ScopedAdmin", "ScopedForm", "ScopedInline"]

# An action on "all rows found" touches at most this many.
_ACTION_LIMIT = 1_000
# What Django's filters put behind the name of a field.
_FILTER_LOOKUPS = frozenset({"exact", "id__exact", "in", "gte", "lt", "isnull", "isempty"})


class ScopedForm(forms.ModelForm[Any]):
    """Fills in the only company somebody has, and checks constraints over it all the same.

    within: by field, the rows that the reader may hang another row on; to see them is not enough.
    """

    default_company_id: ClassVar[int | None] = None
    within: ClassVar[dict[str, QuerySet[Any]]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.default_company_id and getattr(self.instance, "company_id", 0) is None:
            self.instance.company_id = self.default_company_id

    def clean(self) -> dict[str, Any] | None:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name, rows in self.within.items():
            row = data.get(name)
            moved = name in self.changed_data or self.instance._state.adding
            if row is not None and moved and not rows.filter(pk=row.pk).exists():
                self.add_error(name, gettext("You may look at this, but change nothing there."))
        return data

    def _get_validation_exclusions(self) -> set[str]:
        # Django leaves out constraints over fields that the form does not show.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"company"}


class CompanyFilter(admin.SimpleListFilter):
    """Companies of the reader; absent for somebody who has only one."""

    title = _("company")
    parameter_name = "company"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        keys = _companies(request, model_admin.model, "view")
        companies = Company.objects.filter(pk__in=keys)
        rows = [(str(company.pk), company.name) for company in companies[:200]]
        return rows if len(rows) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if not value.isdecimal() or len(value) > 18:
            return queryset
        path = self.path_of(queryset.model)
        return queryset.filter(**{path: int(value)})

    @staticmethod
    def path_of(model: Any) -> str:
        """Lookup from the model to its company's key."""
        return model.access.company or "pk"


def _companies(request: HttpRequest, model: Any, action: str) -> QuerySet[Any, Any]:
    """Keys of companies in which the reader may do `action` on rows of `model`."""
    grants = grants_of(request.user)
    capability = model.access.capability(action)
    rows = Company.objects.all()
    if capability not in grants.platform:
        rows = rows.filter(pk__in=grants.company_ids(capability))
    return rows.values("pk")


class _Scoped:
    """What pages and inlines share: permissions and choices."""

    model: Any

    def _may(self, request: HttpRequest, action: str, obj: Model | None = None) -> bool:
        if obj is not None and obj.pk and type(obj) is self.model:
            model: Any = self.model
            return bool(model.objects.visible_to(request.user, action).filter(pk=obj.pk).exists())
        return grants_of(request.user).may(self.model.access.capability(action))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete", obj)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs["queryset"] = self._choices(db_field, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def _choices(self, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        target = db_field.remote_field.model
        if target is Company:
            return Company.objects.filter(pk__in=_companies(request, self.model, "change"))
        if hasattr(target, "access"):
            rows: QuerySet[Any] = target.objects.visible_to(request.user)
            return rows
        return target._default_manager.all()  # type: ignore[no-any-return]


class ScopedAdmin(_Scoped, admin.ModelAdmin[Any]):
    """Base of every registered model.

    Lists never count a whole table, search uses trigram indexes one field at a time, choices are
    limited to what the reader may see, and history is the audit.
    """

    form = ScopedForm
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    save_on_top = False
    # Lookups a link may put into the address besides those of list_filter.
    linked_lookups: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        model: Any = self.model
        rows: QuerySet[Any] = model.objects.visible_to(request.user, "view")
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.default_company_id = self.sole_company_id(request)
        form.within = self._within(request)
        return form

    def _within(self, request: HttpRequest) -> dict[str, QuerySet[Any]]:
        """Of the references by which a row belongs somewhere: where the reader may have rows."""
        access = self.model.access
        grants, capability = grants_of(request.user), access.capability("change")
        fields = {path.partition("__")[0] for path in access.nodes if "__" not in path}
        fields.add((access.company or "").partition("__")[0])
        found: dict[str, QuerySet[Any]] = {}
        for name in fields - {"", "company"}:
            field = self.model._meta.get_field(name)
            if not field.many_to_one:
                continue
            target: Any = field.related_model
            allowed = grants.condition(replace(target.access, change=capability), "change")
            rows = target._default_manager
            found[name] = rows.none() if allowed is None else rows.filter(allowed)
        return found

    def sole_company_id(self, request: HttpRequest) -> int | None:
        """Key of the only company in which the reader may add rows, if there is just one."""
        if not any(field.name == "company" for field in self.model._meta.fields):
            return None
        if "manage_platform" in grants_of(request.user).platform:
            return None
        keys = [row["pk"] for row in _companies(request, self.model, "add")[:2]]
        return keys[0] if len(keys) == 1 else None

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        excluded = list(super().get_exclude(request, obj) or ())
        if self.sole_company_id(request):
            excluded.append("company")
        return excluded

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._without_company(request, super().get_fields(request, obj))

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._without_company(request, super().get_list_display(request))

    def _without_company(self, request: HttpRequest, names: Any) -> list[Any]:
        hidden = {"company"} if self.sole_company_id(request) else set()
        return [name for name in names if name not in hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        # A row never changes its company.
        if obj is not None and obj.pk and hasattr(obj, "company_id"):
            fields.append("company")
        return self._without_company(request, dict.fromkeys(fields))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django would allow any column of the table and of those it refers to, so that a hash
        # could be read letter by letter. What filters and links ask for, and nothing further.
        allowed = set(self.linked_lookups)
        for item in self.get_list_filter(request):  # type: ignore[arg-type]
            field = item[0] if isinstance(item, (tuple, list)) else item
            name = getattr(field, "parameter_name", field)
            allowed.add(str(name))
        return any(
            lookup == name or lookup.removeprefix(f"{name}__") in _FILTER_LOOKUPS
            for name in allowed
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return search(queryset, self.get_search_fields(request), search_term), False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Pages may allow less than the door does: what is published is never deleted, for one.
        return deletion_preview(
            list(objs), may=lambda obj: self.has_delete_permission(request, obj)
        )

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> Any:
        everything = request.POST.get("select_across") == "1"
        if everything and queryset.order_by()[: _ACTION_LIMIT + 1].count() > _ACTION_LIMIT:
            text = gettext("More than %(limit)d rows are selected. Narrow the list down first.")
            messages.error(request, text % {"limit": _ACTION_LIMIT})
            return None
        return super().response_action(request, queryset, *args)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        obj = self.get_object(request, object_id)
        if obj is None or not self.has_view_permission(request, obj):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        query = f"?model={self.opts.label_lower}&object_id={quote(object_id)}"
        return redirect(reverse("admin:accounts_auditentry_changelist") + query)

    # The audit's triggers see every write, also those that no page makes; the admin's own log
    # would tell less and know nothing of companies.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None


class ScopedInline(_Scoped, admin.TabularInline[Any, Any]):
    """Rows of a related table on the page of their owner, in the owner's company."""

    extra = 0
    max_num = 200
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        model: Any = self.model
        rows: QuerySet[Any] = model.objects.visible_to(request.user, "view")
        return rows

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        base: type[BaseInlineFormSet[Any, Any, Any]] = super().get_formset(request, obj, **kwargs)
        if not any(field.name == "company" for field in self.model._meta.fields):
            return base

        class InOwnersCompany(base):  # type: ignore[misc,valid-type]
            def _construct_form(self, i: int, **options: Any) -> Any:
                form = super()._construct_form(i, **options)
                form.instance.company_id = self.instance.company_id
                return form

        return InOwnersCompany


# Only the widget differs: long choice lists are searched, not scrolled.
ScopedAdmin.formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 4})}}
