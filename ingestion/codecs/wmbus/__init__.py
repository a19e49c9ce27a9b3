"""Wireless M-Bus (EN 13757-4, -7, -3; OMS volume 2): one frame in, one telegram out."""

from __future__ import annotations

from .decode import decode_wmbus
from .formats import Formats

__all__ = ["Formats", "decode_wmbus"]
