"""Which device types speak a foreign protocol, for queries of others."""

from __future__ import annotations

__all__ = ["FOREIGN_TYPES"]

# Ids of the types whose published version says how to decode; texts of the universal protocol don't.
FOREIGN_TYPES = """
SELECT v.device_type_id FROM meters_devicetypeversion v
WHERE v.status = 'published' AND v.definition ~ '(^|\\n)decode:'
"""
