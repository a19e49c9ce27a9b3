from .activity import Activity
from .companies import Company
from .roles import Membership, Role, RolePermission
from .users import User

__all__ = ["Activity", "Company", "Membership", "Role", "RolePermission", "User"]
