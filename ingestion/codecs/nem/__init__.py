"""Meter data files of the Australian market: NEM12 (intervals) and NEM13 (accumulated reads)."""

from __future__ import annotations

from .decode import decode_nem, looks_like_nem
from .fields import MARKET_TIME

__all__ = ["MARKET_TIME", "decode_nem", "looks_like_nem"]
