"""The audit in the admin: read, filtered, compared; changed by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit_reading import action_choices, action_label, describe, differences
from accounts.audit_tables import audit_table, audit_tables
from accounts.grants import grants_of
from accounts.models import AuditEntry, Company, User
from config.lib.search import search

from .base import ScopedAdmin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest


__all__ = ["AuditEntryAdmin"]

_PLATFORM = "platform"


class CompanyChoice(admin.SimpleListFilter):
    """Always one company: only then does every table answer from its index."""

    title = gettext_lazy("company")
    parameter_name = "company"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        grants = grants_of(request.user)
        companies = Company.objects.order_by("name")
        if "view_audit" not in grants.platform:
            companies = companies.filter(pk__in=grants.company_ids("view_audit"))
        found = [(str(company.pk), company.name) for company in companies[:500]]
        if "view_audit" in grants.platform:
            found.append((_PLATFORM, _("Platform")))
        return found

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        chosen = self.value() or (self.lookup_choices[0][0] if self.lookup_choices else "")
        for value, label in self.lookup_choices:
            yield {
                "selected": str(value) == chosen,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen is None:
            # One object's history needs no company: it is found by the object's own index.
            if "object_id" in request.GET or not self.lookup_choices:
                return queryset
            chosen = str(self.lookup_choices[0][0])
        if chosen == _PLATFORM:
            return queryset.filter(company=None)
        return queryset.filter(company_id=int(chosen)) if chosen.isdecimal() else queryset.none()


class ModelChoice(admin.SimpleListFilter):
    """Kinds of things, by their names."""

    title = gettext_lazy("kind of thing")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = [(table.label, str(table.tracked._meta.verbose_name)) for table in audit_tables()]
        return sorted(found, key=lambda item: item[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model=self.value()) if self.value() else queryset


class ActionChoice(admin.SimpleListFilter):
    """What was done."""

    title = gettext_lazy("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return action_choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class AuditChangeList(ChangeList):
    """Looks up the names of a whole page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        entries: Any = list(self.result_list)
        describe(entries, reader=request.user)  # type: ignore[arg-type]
        self.result_list = entries


@admin.register(AuditEntry)
class AuditEntryAdmin(ScopedAdmin):
    """Who did what to which thing, when, from where and why."""

    list_display = ("at", "who", "what", "thing", "label", "reason", "ip")
    list_display_links = ("at",)
    list_filter = (CompanyChoice, ("at", admin.DateFieldListFilter), ModelChoice, ActionChoice)
    linked_lookups = ("object_id", "user")
    search_fields = ("user",)
    search_help_text = gettext_lazy("Name or e-mail address of who did it")
    ordering = ("-at",)
    actions = None
    fields = ("at", "who", "what", "thing", "label", "reason", "ip", "url", "changes")
    readonly_fields = fields
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if not grants_of(request.user).may("view_users"):
            rows = rows.exclude(model=User._meta.label_lower)
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AuditChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        people = search(User.objects.visible_to(request.user), ("email", "full_name"), search_term)
        return queryset.filter(user_id__in=list(people.values_list("pk", flat=True)[:100])), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> AuditEntry | None:
        # By table and number: the number alone is an expression of the view without an index.
        label, _separator, rest = object_id.partition(":")
        number = rest.partition("@")[0]
        if audit_table(label) is None or not number.isdecimal() or len(number) > 18:
            return None
        rows = self.get_queryset(request).filter(model=label, event_id=int(number), id=object_id)
        entry: Any = rows.order_by().first()
        if entry is not None:
            describe([entry], reader=request.user)  # type: ignore[arg-type]
            entry.differences = differences(entry, reader=request.user)  # type: ignore[arg-type]
        return entry  # type: ignore[no-any-return]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Rows reach a page only through get_queryset, which is the door.
        return grants_of(request.user).may("view_audit")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("who"))
    def who(self, entry: Any) -> str:
        return str(entry.who)

    @admin.display(description=gettext_lazy("action"))
    def what(self, entry: AuditEntry) -> str:
        return action_label(entry.action)

    @admin.display(description=gettext_lazy("kind of thing"))
    def thing(self, entry: Any) -> str:
        return str(entry.thing)

    @admin.display(description=gettext_lazy("which"))
    def label(self, entry: Any) -> str:
        return str(entry.label)

    @admin.display(description=gettext_lazy("changes"))
    def changes(self, entry: Any) -> str:
        rows = format_html_join(
            "", "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>", entry.differences
        )
        if not rows:
            return "—"
        return format_html(
            "<table class='audit-changes'><thead><tr><th scope='col'>{}</th>"
            "<th scope='col'>{}</th><th scope='col'>{}</th></tr></thead><tbody>{}</tbody></table>",
            _("field"),
            _("before"),
            _("after"),
            rows,
        )
