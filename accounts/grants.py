"""The one door: which rows a user may see or change.

`visible_to(user, action)` of every scoped queryset ends here. A grant is a django-guardian row
(user, capability, company or node); a platform operator's capabilities come from a membership
without a company. Grants are read once per user object, that is once per request.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Func, Q

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Self

    from .models import User

__all__ = ["Access", "Grants", "NodeRange", "ScopedModel", "ScopedQuerySet", "grants_of"]

_CACHE = "_readout_grants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a model's rows hang on companies and nodes, and the capability each action needs.

    company: lookup path from the model to Company, "" for Company itself, None for tables of the
        platform that have no company: seen by whoever may view anywhere, changed by the platform.
    nodes: lookup paths (to-one only) to Node; "" for Node itself; empty: company grants only.
    shared: rows without a company ship with the product and are seen by everyone who may view.
    order: having readings taken, which changes nothing of the row.
    An action that is not declared is refused.
    """

    view: str
    change: str
    add: str = ""
    delete: str = ""
    order: str = ""
    company: str | None = "company"
    nodes: tuple[str, ...] = ()
    shared: bool = False

    def capability(self, action: str) -> str:
        """Codename needed for `action`; raises ValueError for an action nobody declared."""
        if action not in {"view", "add", "change", "delete", "order"}:
            raise ValueError(f"{action!r} is not an action that {self!r} knows")
        return cast("str", getattr(self, action)) or self.change


class _EqualsAny(Func):
    """`column = ANY (array)`: a list that the database finds in an index, however long it is."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = models.BooleanField()


class NodeRange(NamedTuple):
    """A granted node with its subtree, in MPTT numbers."""

    company_id: int
    system: str
    tree_id: int
    left: int
    right: int

    def condition(self, path: str) -> Q:
        """Rows whose node at `path` lies in the subtree."""
        # The second bound of lft follows from the others; it ends the walk through the index.
        within = Q(tree_id=self.tree_id, lft__range=(self.left, self.right), rght__lte=self.right)
        if not path:
            return within
        # Read once, before the rows: joined tables under an OR could use none of their indexes.
        below = _node_model()._base_manager.filter(within).order_by().values("pk")
        return Q(_EqualsAny(F(f"{path}_id"), ArraySubquery(below)))


class _ScopedModelClass(Protocol):
    access: ClassVar[Access]


@dataclass(slots=True)
class Grants:
    """Everything one user was granted, by capability; zones: time zone of each active company."""

    platform: frozenset[str] = frozenset()
    companies: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    nodes: dict[str, list[NodeRange]] = field(default_factory=lambda: defaultdict(list))
    zones: dict[int, str] = field(default_factory=dict)

    def may(self, capability: str, company_id: int | None = None) -> bool:
        """Holds `capability` anywhere or, with a company, over the whole of that company."""
        if capability in self.platform:
            return True
        if company_id is None:
            return bool(self.companies.get(capability) or self.nodes.get(capability))
        return company_id in self.companies.get(capability, ())

    def may_within(self, capability: str, company_id: int) -> bool:
        """Holds `capability` over the company or over some node of it."""
        return self.may(capability, company_id) or any(
            reach.company_id == company_id for reach in self.nodes.get(capability, ())
        )

    def covers(self, capability: str, *, company_id: int, node: Any = None) -> bool:
        """Holds `capability` over the whole company or over the subtree of `node`."""
        if self.may(capability, company_id):
            return True
        return node is not None and any(
            reach.tree_id == node.tree_id and reach.left <= node.lft and node.rght <= reach.right
            for reach in self.nodes.get(capability, ())
        )

    def company_ids(self, capability: str) -> set[int]:
        """Companies where `capability` is held over the whole or a part."""
        return set(self.companies.get(capability, ())) | {
            reach.company_id for reach in self.nodes.get(capability, ())
        }

    def zone(self) -> str | None:
        """Time zone of the companies that anything is granted in, where they have but one."""
        reached = {reach.company_id for reaches in self.nodes.values() for reach in reaches}
        zones = {self.zones[key] for key in reached.union(*self.companies.values())}
        return zones.pop() if len(zones) == 1 else None

    def condition(self, access: Access, action: str) -> Q | None:
        """Filter for `action` on rows described by `access`; None when nothing is visible."""
        capability = access.capability(action)
        if capability in self.platform:
            return Q()
        if access.company is None:
            return Q() if action == "view" and self.may(capability) else None
        parts: list[Q] = []
        if companies := self.companies.get(capability):
            parts.append(Q(**{f"{access.company or 'pk'}__in": sorted(companies)}))
        for path in access.nodes:
            parts += [reach.condition(path) for reach in self.nodes.get(capability, ())]
        if access.shared and action == "view" and self.may(capability):
            parts.append(Q(**{f"{access.company}__isnull": True}))
        if not parts:
            return None
        combined = parts[0]
        for part in parts[1:]:
            combined |= part
        return combined


def grants_of(user: Any) -> Grants:
    """Grants of `user`, cached on the object; an anonymous or disabled user has none."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return Grants()
    # As an attribute: a request's user is a wrapper, whose own dictionary is another one.
    cached = getattr(user, _CACHE, None)
    if cached is None:
        cached = _read_grants(user)
        setattr(user, _CACHE, cached)
    return cast("Grants", cached)


def forget_grants(user: Any) -> None:
    """Read the grants of this object anew at the next question."""
    if hasattr(user, _CACHE):
        delattr(user, _CACHE)


def _read_grants(user: User) -> Grants:
    from guardian.models import UserObjectPermission

    from .models import Company, Membership

    platform = frozenset(
        Membership.objects.filter(user=user, company=None, accepted_at__isnull=False).values_list(
            "role__permissions__codename", flat=True
        )
    )
    grants = Grants(platform=frozenset(filter(None, platform)))
    company_type = ContentType.objects.get_for_model(Company)
    grants.zones = active = dict(
        Company.objects.filter(is_active=True).values_list("pk", "time_zone")
    )
    by_type: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for type_id, codename, object_pk in UserObjectPermission.objects.filter(user=user).values_list(
        "content_type_id", "permission__codename", "object_pk"
    ):
        if type_id == company_type.pk:
            if int(object_pk) in active:
                grants.companies[codename].add(int(object_pk))
        else:
            by_type[type_id].append((codename, int(object_pk)))
    for type_id, granted in by_type.items():
        _add_ranges(grants, type_id, granted, active)
    return grants


def _node_model() -> Any:
    # The tree lives in the app above; the foreign key of memberships knows it.
    from .models import Membership

    return Membership._meta.get_field("node").related_model


def _add_ranges(
    grants: Grants, type_id: int, granted: list[tuple[str, int]], active: Collection[int]
) -> None:
    # The model above this app is found through its content type: accounts imports no tree.
    model = cast("Any", ContentType.objects.get_for_id(type_id).model_class())
    fields = ("company_id", "system", "tree_id", "lft", "rght")
    found = {
        row[0]: NodeRange(*row[1:])
        for row in model._base_manager.filter(pk__in={pk for _, pk in granted}).values_list(
            "pk", *fields
        )
    }
    for codename, pk in granted:
        reach = found.get(pk)
        if reach is not None and reach.company_id in active:
            grants.nodes[codename].append(reach)


M = TypeVar("M", bound=models.Model)


class ScopedQuerySet(models.QuerySet[M]):
    """Rows of one company or shared rows, filtered by what a user was granted."""

    def visible_to(self, user: Any, action: str = "view") -> Self:
        """Rows on which `user` may do `action` (view, add, change, delete or order)."""
        access = cast("type[_ScopedModelClass]", self.model).access
        condition = grants_of(user).condition(access, action)
        return self.none() if condition is None else self.filter(condition)


class ScopedModel(models.Model):
    """A model behind the one door: declares `access`, is queried through `visible_to`."""

    access: ClassVar[Access]
    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
        default_permissions = ()
