"""The admin of this app; the base classes are for the apps above as well."""

from .audit import AuditEntryAdmin
from .companies import CompanyAdmin
from .memberships import MembershipAdmin
from .roles import RoleAdmin
from .users import UserAdmin

__all__ = ["AuditEntryAdmin", "CompanyAdmin", "MembershipAdmin", "RoleAdmin", "UserAdmin"]
