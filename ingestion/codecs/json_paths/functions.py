"""Truth, equality and functions of JMESPath over nodes, exact where the library's are not.

A function that is given what it does not take gives null.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from .text import NULL, Node, plain

__all__ = ["FUNCTIONS", "equal", "is_number", "is_true", "listed"]

_LONGEST = 40


def listed(members: list[Node]) -> Node:
    """A list that stands nowhere itself: it reaches over the places of its members."""
    placed = [member for member in members if member.start >= 0]
    if not placed:
        return Node(members)
    return Node(members, min(node.start for node in placed), max(node.end for node in placed))


def is_true(node: Node) -> bool:
    """Falsehood of JMESPath: null, false, and an empty text, list or object. 0 is true."""
    value = node.value
    if value is None or value is False:
        return False
    return bool(value) if isinstance(value, str | list | dict) else True


def is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def equal(first: Node, second: Node) -> bool:
    left, right = first.value, second.value
    # In Python True is 1; in JSON it is not.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return type(left) is type(right) and _same_parts(left, right)
    return left == right


def _same_parts(left: object, right: object) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(equal(one, other) for one, other in pairs)
    return False


def _length(node: Node) -> Node:
    return Node(len(node.value)) if isinstance(node.value, str | list | dict) else NULL


def _keys(node: Node) -> Node:
    return Node([Node(key) for key in node.value]) if isinstance(node.value, dict) else NULL


def _values(node: Node) -> Node:
    return listed(list(node.value.values())) if isinstance(node.value, dict) else NULL


def _reverse(node: Node) -> Node:
    return listed(node.value[::-1]) if isinstance(node.value, list) else NULL


def _contains(node: Node, searched: Node) -> Node:
    if isinstance(node.value, str):
        return Node(isinstance(searched.value, str) and searched.value in node.value)
    if isinstance(node.value, list):
        return Node(any(equal(member, searched) for member in node.value))
    return NULL


def _starts_with(node: Node, start: Node) -> Node:
    whole, part = node.value, start.value
    both = isinstance(whole, str) and isinstance(part, str)
    return Node(str(whole).startswith(str(part))) if both else NULL


def _ends_with(node: Node, end: Node) -> Node:
    whole, part = node.value, end.value
    both = isinstance(whole, str) and isinstance(part, str)
    return Node(str(whole).endswith(str(part))) if both else NULL


def _not_null(*nodes: Node) -> Node:
    return next((node for node in nodes if node.value is not None), NULL)


def _to_number(node: Node) -> Node:
    value = node.value
    if is_number(value):
        return node
    if not isinstance(value, str) or len(value) > _LONGEST:
        return NULL
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return NULL
    usable = number.is_finite() and abs(number.adjusted()) <= _LONGEST
    return Node(number, node.start, node.end) if usable else NULL


def _numbers(node: Node) -> list[Decimal | int] | None:
    members = plain(node)
    if not isinstance(members, list) or not all(map(is_number, members)):
        return None
    return members


def _sum(node: Node) -> Node:
    numbers = _numbers(node)
    return NULL if numbers is None else Node(sum(numbers), node.start, node.end)


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[Node], Node]:
    def find(node: Node) -> Node:
        numbers = _numbers(node)
        return Node(choose(numbers), node.start, node.end) if numbers else NULL

    return find


# Name → number of arguments (0: any) and what is called.
FUNCTIONS: dict[str, tuple[int, Callable[..., Node]]] = {
    "contains": (2, _contains),
    "ends_with": (2, _ends_with),
    "keys": (1, _keys),
    "length": (1, _length),
    "max": (1, _extreme(max)),
    "min": (1, _extreme(min)),
    "not_null": (0, _not_null),
    "reverse": (1, _reverse),
    "starts_with": (2, _starts_with),
    "sum": (1, _sum),
    "to_number": (1, _to_number),
    "values": (1, _values),
}
