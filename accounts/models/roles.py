"""Roles and memberships: who may do what, where."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.capabilities import CATALOGUE
from accounts.grants import Access, ScopedModel
from accounts.roles import SHIPPED_ROLES
from config.lib.modeling import Timestamped, code_field, name_field
from config.lib.orm import SameScope

from .companies import Company

__all__ = ["Membership", "Role", "RolePermission"]


@audited()
class Role(ScopedModel, Timestamped):
    """A named set of capabilities. Without a company it ships with the product."""

    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="roles",
        help_text=_("Empty: ships with the product and can't be changed."),
    )
    code = code_field()
    name = name_field()
    is_platform = models.BooleanField(_("runs the platform"), default=False, editable=False)
    permissions = models.ManyToManyField(
        Permission,
        through="RolePermission",
        verbose_name=_("permissions"),
        limit_choices_to={
            "content_type__app_label": "accounts",
            "content_type__model": "company",
            "codename__in": [item.codename for item in CATALOGUE if not item.platform_only],
        },
        related_name="roles",
    )

    access: ClassVar[Access] = Access(view="view_users", change="manage_roles", shared=True)

    class Meta(ScopedModel.Meta):
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ("company_id", "name")
        constraints = (
            models.UniqueConstraint(
                fields=["company", "code"],
                name="accounts_role_code_unique",
                nulls_distinct=False,
                violation_error_message=_("The company already has a role with this code."),
            ),
            models.CheckConstraint(
                condition=Q(is_platform=False) | Q(company__isnull=True),
                name="accounts_role_platform_ships",
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name as a person reads it: shipped roles speak the reader's language."""
        shipped = None if self.company_id else SHIPPED_ROLES.get(self.code)
        return str(shipped.name) if shipped else self.name

    def capabilities(self) -> set[str]:
        """Codenames of the role's permissions."""
        return set(self.permissions.values_list("codename", flat=True))


@audited()
class RolePermission(ScopedModel):
    """One capability of one role; its own table, so that the audit sees every change."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="role_permissions")
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE)

    access: ClassVar[Access] = Access(
        company="role__company", view="view_users", change="manage_roles", shared=True
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("permission of a role")
        verbose_name_plural = _("permissions of roles")
        constraints = (
            models.UniqueConstraint(
                fields=["role", "permission"], name="accounts_role_permission_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.role}: {self.permission.codename}"


@audited()
class Membership(ScopedModel, Timestamped):
    """A user's role in a company, over all of it or below one node.

    Without a company the role runs the platform. Until it is accepted it grants nothing.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="memberships",
    )
    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
    )
    role = models.ForeignKey(
        Role, verbose_name=_("role"), on_delete=models.PROTECT, related_name="memberships"
    )
    # A name, not an import: the tree lives in the app above this one.
    node = models.ForeignKey(
        "hierarchy.Node",
        verbose_name=_("only below"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: the whole company."),
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True, editable=False)

    access: ClassVar[Access] = Access(view="view_users", change="manage_users", nodes=("node",))

    class Meta(ScopedModel.Meta):
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("company_id", "user_id", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["user", "company", "role", "node"],
                name="accounts_membership_unique",
                nulls_distinct=False,
                violation_error_message=_("The user already has this role there."),
            ),
            models.CheckConstraint(
                condition=Q(node__isnull=True) | Q(company__isnull=False),
                name="accounts_membership_node_needs_company",
            ),
            SameScope(field="node", name="accounts_membership_node_same_company"),
        )

    def __str__(self) -> str:
        where: Any = self.node or self.company or _("platform")
        return f"{self.who} · {self.role} · {where}"

    @property
    def who(self) -> str:
        """The person as whoever manages the membership may know it: an address until accepted."""
        return str(self.user) if self.accepted_at else self.user.email
