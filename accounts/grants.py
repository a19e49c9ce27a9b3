"""The one door: which rows a user may see or change.

`visible_to(user, action)` of every scoped queryset ends here. A grant is a django-guardian row
(user, capability, company or node); a platform operator's capabilities come from a membership
without a company. Grants are read once per user object, that is once per request.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models
from django.db.models import F, Func, Q
from psycopg import sql

if TYPE_CHECKING:
    from typing import Self

    from .models import User

__all__ = ["Access", "Grants", "NodeRange", "ScopedModel", "ScopedQuerySet", "grants_of"]

_CACHE = "_readout_grants"
# Capability, company and its zone; of nodes the subtree besides. The platform's have no company.
_GRANTED = """
SELECT permission.codename, NULL::bigint, NULL::text, NULL::text, NULL::int, NULL::int, NULL::int
FROM {membership} membership
JOIN {permission_of_role} held USING (role_id)
JOIN {permission} permission ON permission.id = held.permission_id
WHERE membership.user_id = %(user)s AND membership.company_id IS NULL
  AND membership.accepted_at IS NOT NULL
UNION ALL
SELECT permission.codename, company.id, company.time_zone, NULL, NULL, NULL, NULL
FROM {granted} granted
JOIN {permission} permission ON permission.id = granted.permission_id
JOIN {company} company ON company.id = granted.object_pk::bigint AND company.is_active
WHERE granted.user_id = %(user)s AND granted.content_type_id = %(company_type)s
UNION ALL
SELECT permission.codename, company.id, company.time_zone, node.system, node.tree_id, node.lft,
  node.rght
FROM {granted} granted
JOIN {permission} permission ON permission.id = granted.permission_id
JOIN {node} node ON node.id = granted.object_pk::bigint
JOIN {company} company ON company.id = node.company_id AND company.is_active
WHERE granted.user_id = %(user)s AND granted.content_type_id = %(node_type)s
"""


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
    """In one statement: every page begins with it."""
    grants = Grants()
    platform = set()
    with connection.cursor() as cursor:
        cursor.execute(_statement(), {"user": user.pk, **_types()})
        for codename, company, zone, *reach in cursor.fetchall():
            if company is None:
                platform.add(codename)
                continue
            grants.zones[company] = zone
            if reach[0] is None:
                grants.companies[codename].add(company)
            else:
                grants.nodes[codename].append(NodeRange(company, *reach))
    grants.platform = frozenset(platform)
    return grants


def _types() -> dict[str, int]:
    """What guardian writes down for rows of companies and of nodes."""
    from .models import Company

    types = ContentType.objects
    return {
        "company_type": types.get_for_model(Company).pk,
        "node_type": types.get_for_model(_node_model()).pk,
    }


@cache
def _statement() -> str:
    """What the user was granted on the platform, on active companies and on nodes of these."""
    from django.contrib.auth.models import Permission
    from guardian.models import UserObjectPermission

    from .models import Company, Membership, Role

    tables: dict[str, Any] = {
        "membership": Membership,
        "permission": Permission,
        "permission_of_role": Role.permissions.through,
        "granted": UserObjectPermission,
        "company": Company,
        "node": _node_model(),
    }
    names = {name: sql.Identifier(model._meta.db_table) for name, model in tables.items()}
    return sql.SQL(_GRANTED).format(**names).as_string(None)


def _node_model() -> Any:
    # The tree lives in the app above; the foreign key of memberships knows it.
    from .models import Membership

    return Membership._meta.get_field("node").related_model


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
