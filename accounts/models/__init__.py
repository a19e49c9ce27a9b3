from .activity import Activity
from .audit import AuditEntry, AuditSeal
from .companies import Company
from .roles import Membership, Role, RolePermission
from .users import User

__all__ = [
    "Activity",
    "AuditEntry",
    "AuditSeal",
    "Company",
    "Membership",
    "Role",
    "RolePermission",
    "User",
]
