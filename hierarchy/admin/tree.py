"""The tree page of the admin: one level at a time, moved by the same service as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.grants import grants_of
from accounts.models import Company
from hierarchy.errors import HierarchyError
from hierarchy.kinds import System
from hierarchy.models import Node
from hierarchy.selectors import node_ancestors, node_children, node_search
from hierarchy.services import node_move

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest, HttpResponse

__all__ = ["TreeViews"]


class TreeViews:
    """Mixed into the admin of nodes: a page and the three addresses its script asks."""

    admin_site: AdminSite
    opts: Any

    def tree_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("tree/", wrap(self.tree_view), name="hierarchy_node_tree"),
            path(
                "tree/children/",
                wrap(require_GET(self.children_view)),
                name="hierarchy_node_tree_children",
            ),
            path(
                "tree/search/",
                wrap(require_GET(self.search_view)),
                name="hierarchy_node_tree_search",
            ),
            path("tree/move/", wrap(require_POST(self.move_view)), name="hierarchy_node_tree_move"),
        ]

    def tree_view(self, request: HttpRequest) -> HttpResponse:
        companies = self._companies(request)
        system = request.GET.get("system", System.TERRITORY)
        chosen = self._company_id(request, default=companies[0].pk if companies else 0)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Places and networks"),
            "companies": [{"id": company.pk, "name": company.name} for company in companies],
            "company_id": chosen,
            "systems": [{"value": value, "label": label} for value, label in System.choices],
            "system": system if system in System.values else System.TERRITORY,
            "can_move": grants_of(request.user).may("manage_hierarchy"),
            "children_url": reverse("admin:hierarchy_node_tree_children"),
            "search_url": reverse("admin:hierarchy_node_tree_search"),
            "move_url": reverse("admin:hierarchy_node_tree_move"),
            "add_url": reverse("admin:hierarchy_node_add"),
            "list_url": reverse("admin:hierarchy_node_changelist"),
        }
        return TemplateResponse(request, "admin/hierarchy/node/tree.html", context)

    def children_view(self, request: HttpRequest) -> JsonResponse:
        parent = request.GET.get("parent", "")
        level = node_children(
            user=request.user,
            company_id=self._company_id(request),
            system=request.GET.get("system", ""),
            parent_id=int(parent) if parent.isdecimal() and len(parent) < 19 else None,
            after=request.GET.get("after", "")[:300],
        )
        changeable = set(
            Node.objects.visible_to(request.user, "change")
            .filter(pk__in=[node.pk for node in level.nodes])
            .values_list("pk", flat=True)
        )
        nodes = [self._node_row(node, node.pk in changeable) for node in level.nodes]
        return JsonResponse({"nodes": nodes, "more": level.more})

    def search_view(self, request: HttpRequest) -> JsonResponse:
        found = node_search(
            user=request.user,
            company_id=self._company_id(request),
            system=request.GET.get("system", ""),
            text=request.GET.get("q", ""),
        )
        above = node_ancestors(found)
        nodes = [
            {"id": node.pk, "name": node.name, "path": node.path, "ancestors": above[node.pk]}
            for node in found
        ]
        return JsonResponse({"nodes": nodes})

    def move_view(self, request: HttpRequest) -> JsonResponse:
        node = self._asked_node(request, "node")
        parent = self._asked_node(request, "parent") if request.POST.get("parent") else None
        try:
            node_move(actor=request.user, node=node, parent=parent)
        except HierarchyError as error:
            return JsonResponse({"error": str(error)}, status=409)
        return JsonResponse({"ok": True})

    def _asked_node(self, request: HttpRequest, name: str) -> Node:
        key = request.POST.get(name, "")
        rows = Node.objects.visible_to(request.user)
        usable = key.isdecimal() and len(key) < 19
        node: Node | None = rows.filter(pk=int(key)).first() if usable else None
        if node is None:
            raise Http404
        return node

    def _companies(self, request: HttpRequest) -> list[Company]:
        grants = grants_of(request.user)
        if not grants.may("view_hierarchy"):
            raise PermissionDenied
        rows = Company.objects.order_by("name")
        if "view_hierarchy" not in grants.platform:
            rows = rows.filter(pk__in=grants.company_ids("view_hierarchy"))
        return list(rows[:500])

    def _company_id(self, request: HttpRequest, default: int = 0) -> int:
        key = request.GET.get("company", "")
        return int(key) if key.isdecimal() and len(key) < 19 else default

    def _node_row(self, node: Any, can_change: bool) -> dict[str, Any]:
        return {
            "id": node.pk,
            "name": node.name,
            "kind": node.kind,
            "kind_label": node.get_kind_display(),
            "code": node.code,
            "children": node.child_count,
            "change_url": reverse("admin:hierarchy_node_change", args=[node.pk]),
            "can_change": can_change,
        }
