"""Nodes in the admin: list, form, and the way to the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.admin.base import CompanyFilter, ScopedAdmin, ScopedForm
from hierarchy.models import Node
from hierarchy.selectors import nodes_matching
from hierarchy.services import (
    node_check,
    node_create,
    node_delete,
    node_delete_reasons,
    node_move,
    node_update,
)
from hierarchy.tables.resources import NodeResource

from .tables import TableAdmin
from .tree import TreeViews

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

__all__ = ["NodeAdmin", "NodeForm"]


class NodeForm(ScopedForm):
    """The rules of the tree are told beside the fields, before anything is saved."""

    actor: Any = None

    class Meta:
        model = Node
        fields = ("company", "system", "parent", "kind", "name", "code", "latitude", "longitude")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not self.errors:
            node_check(node=self.instance, **self._wanted(cleaned))
        return cleaned

    def _wanted(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        return {
            "company_id": getattr(cleaned.get("company"), "pk", self.instance.company_id),
            "system": cleaned.get("system", self.instance.system),
            "kind": cleaned.get("kind", self.instance.kind),
            "parent": cleaned.get("parent", self.instance.parent),
        }


@admin.register(Node)
class NodeAdmin(TableAdmin, TreeViews, ScopedAdmin):
    """Places and networks. The form calls the same services as the tree's drag and drop."""

    form = NodeForm
    table_resources = (NodeResource,)
    list_display = ("name", "kind", "code", "path", "system", "company")
    list_filter = (CompanyFilter, "system", "kind")
    list_select_related = ("company",)
    search_fields = ("path", "code")
    ordering = ("company_id", "system", "tree_id", "lft")
    sortable_by = ()
    autocomplete_fields = ("parent",)
    fields = ("company", "system", "parent", "kind", "name", "code", ("latitude", "longitude"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return nodes_matching(queryset, search_term), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "system"] if obj is not None else fields

    def get_urls(self) -> list[Any]:
        return [*self.tree_urls(), *super().get_urls()]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        return {key: value for key, value in initial.items() if not key.startswith("_")}

    def save_model(self, request: HttpRequest, obj: Node, form: Any, change: bool) -> None:
        data = form.cleaned_data
        fields = {name: data[name] for name in ("code", "latitude", "longitude") if name in data}
        if not change:
            node = node_create(
                actor=request.user,
                company=obj.company,
                system=obj.system,
                kind=obj.kind,
                name=obj.name,
                parent=data.get("parent"),
                **fields,
            )
            obj.pk = node.pk
            obj.path = node.path
            obj._state.adding = False
            return
        stored = Node.objects.get(pk=obj.pk)
        fields |= {name: data[name] for name in ("kind", "name") if name in data}
        if "parent" in form.changed_data:
            stored = node_move(actor=request.user, node=stored, parent=data.get("parent"))
        node_update(actor=request.user, node=stored, **fields)

    def delete_model(self, request: HttpRequest, obj: Node) -> None:
        node_delete(actor=request.user, node=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for node in queryset.order_by("-level"):
            node_delete(actor=request.user, node=node)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        lines, counts, lacking, _protected = super().get_deleted_objects(objs, request)
        reasons = [reason for node in list(objs)[:5] for reason in node_delete_reasons(node)]
        return lines, counts, lacking, reasons
