"""Items of makers' own contents, named and with facts like records of M-Bus: one mapping serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..telegram import Item

if TYPE_CHECKING:
    from ..telegram import Value

__all__ = ["record_item"]


def record_item(
    quantity: str, value: Value, unit: str, span: tuple[int, int], octets: bytes, storage: int = 0
) -> Item:
    """One value with the bytes of the message that say it."""
    start, end = span
    return Item(
        name=f"{quantity}_storage_{storage}" if storage else quantity,
        value=value,
        unit=unit,
        start=start,
        end=end,
        raw=octets[start:end].hex(),
        facts={
            "quantity": quantity,
            "function": "instantaneous",
            "storage": storage,
            "tariff": 0,
            "subunit": 0,
            "modifier": "",
            "valid": True,
        },
    )
