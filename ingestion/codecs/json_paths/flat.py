"""A JSON document without a layout: every value under the path that would find it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..errors import DecodeError
from ..telegram import Item, Telegram
from .text import Document, Node, read_json

__all__ = ["decode_flat"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MAX_ITEMS = 4096
_LONGEST_RAW = 80


def decode_flat(octets: bytes) -> Telegram:
    """Items named by JMESPath, such as `"em1:0".current` or `log[2].value`; null is None."""
    document = read_json(octets)
    items: list[Item] = []
    for path, node in _leaves(document.root, ""):
        if len(items) == _MAX_ITEMS:
            raise DecodeError(document.place(node.start), f"more than {_MAX_ITEMS} values")
        items.append(_item(document, path or "@", node))
    return Telegram(kind="json", octets=octets, items=tuple(items))


def _leaves(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    value = node.value
    if isinstance(value, dict):
        for key, member in value.items():
            step = key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
            yield from _leaves(member, f"{path}.{step}" if path else step)
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from _leaves(member, f"{path}[{at}]")
    else:
        yield path, node


def _item(document: Document, path: str, node: Node) -> Item:
    return Item(
        name=path,
        value=node.value,  # type: ignore[arg-type]
        start=document.place(node.start),
        end=document.place(node.end),
        raw=document.text[node.start : min(node.end, node.start + _LONGEST_RAW)],
    )
