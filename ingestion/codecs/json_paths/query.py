"""JMESPath expressions compiled to closures over a tree that knows its places.

The grammar is read by the `jmespath` library; what it parsed is compiled here, because the
library's own evaluation gives values without places and turns numbers into binary floats. Results
are those of the JMESPath specification. Left out is what would let a short expression make a large
result (multi-select lists and hashes) and functions that are not exact.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias, cast

import jmespath  # type: ignore[import-untyped]
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]

from .text import NULL, Node, plain

__all__ = ["MAX_PATH", "Find", "PathError", "compile_path"]

Find: TypeAlias = Callable[[Node], Node]
Tree: TypeAlias = Mapping[str, Any]
MAX_PATH = 300
_DEEPEST = 40


class PathError(ValueError):
    """An expression that is not JMESPath, or uses what is left out; the message is the reason."""


def compile_path(expression: str) -> Find:
    """The closure that finds the expression's value from a node; NULL when there is none."""
    if len(expression) > MAX_PATH:
        raise PathError(f"a path of {len(expression)} characters, {MAX_PATH} are allowed")
    try:
        parsed = jmespath.compile(expression).parsed
    except (JMESPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise PathError(f"not a path of JMESPath: {reason}") from error
    return _compile(parsed, 0)


def _compile(tree: Tree, depth: int) -> Find:
    make = _MAKERS.get(tree["type"])
    if make is None or depth > _DEEPEST:
        what = tree["type"].replace("_", " ")
        raise PathError(f"{what} is not for a path of a device type; give each value its own field")
    return make(tree, depth + 1)


def _parts(tree: Tree, depth: int) -> list[Find]:
    return [_compile(child, depth) for child in tree["children"]]


def _field(tree: Tree, depth: int) -> Find:
    key: str = tree["value"]

    def find(node: Node) -> Node:
        value = node.value
        return value.get(key, NULL) if isinstance(value, dict) else NULL

    return find


def _index(tree: Tree, depth: int) -> Find:
    place: int = tree["value"]

    def find(node: Node) -> Node:
        value = node.value
        if not isinstance(value, list) or not -len(value) <= place < len(value):
            return NULL
        found: Node = value[place]
        return found

    return find


def _slice(tree: Tree, depth: int) -> Find:
    start, stop, step = tree["children"]
    if step == 0:
        raise PathError("the step of a slice is 0")
    part = slice(start, stop, step)
    return lambda node: _listed(node.value[part]) if isinstance(node.value, list) else NULL


def _chain(tree: Tree, depth: int) -> Find:
    parts = _parts(tree, depth)

    def find(node: Node) -> Node:
        for part in parts:
            node = part(node)
        return node

    return find


def _itself(tree: Tree, depth: int) -> Find:
    return lambda node: node


def _literal(tree: Tree, depth: int) -> Find:
    node = _noted(tree["value"])
    return lambda _: node


def _projection(tree: Tree, depth: int) -> Find:
    source, each = _parts(tree, depth)

    def find(node: Node) -> Node:
        value = source(node).value
        return _present(value, each) if isinstance(value, list) else NULL

    return find


def _value_projection(tree: Tree, depth: int) -> Find:
    source, each = _parts(tree, depth)

    def find(node: Node) -> Node:
        value = source(node).value
        return _present(list(value.values()), each) if isinstance(value, dict) else NULL

    return find


def _filter_projection(tree: Tree, depth: int) -> Find:
    source, each, condition = _parts(tree, depth)

    def find(node: Node) -> Node:
        value = source(node).value
        if not isinstance(value, list):
            return NULL
        return _present([member for member in value if _true(condition(member))], each)

    return find


def _flatten(tree: Tree, depth: int) -> Find:
    (source,) = _parts(tree, depth)

    def find(node: Node) -> Node:
        value = source(node).value
        if not isinstance(value, list):
            return NULL
        flat: list[Node] = []
        for member in value:
            flat.extend(member.value if isinstance(member.value, list) else (member,))
        return _listed(flat)

    return find


def _or(tree: Tree, depth: int) -> Find:
    first, second = _parts(tree, depth)
    return lambda node: found if _true(found := first(node)) else second(node)


def _and(tree: Tree, depth: int) -> Find:
    first, second = _parts(tree, depth)
    return lambda node: second(node) if _true(found := first(node)) else found


def _not(tree: Tree, depth: int) -> Find:
    (inner,) = _parts(tree, depth)
    return lambda node: Node(not _true(inner(node)))


def _comparator(tree: Tree, depth: int) -> Find:
    first, second = _parts(tree, depth)
    name: str = tree["value"]
    if name in _EQUALITIES:
        same = _EQUALITIES[name]
        return lambda node: Node(_equal(first(node), second(node)) is same)
    compare = _ORDERS[name]

    def find(node: Node) -> Node:
        left, right = first(node).value, second(node).value
        if not _is_number(left) or not _is_number(right):
            return NULL
        return Node(compare(left, right))

    return find


def _function(tree: Tree, depth: int) -> Find:
    name, arguments = tree["value"], _parts(tree, depth)
    if name not in _FUNCTIONS:
        raise PathError(
            f"the function {name} is unknown; known are {', '.join(sorted(_FUNCTIONS))}"
        )
    count, call = _FUNCTIONS[name]
    if count and len(arguments) != count:
        raise PathError(f"the function {name} takes {count} arguments")
    return lambda node: call(*[argument(node) for argument in arguments])


_MAKERS: dict[str, Callable[[Tree, int], Find]] = {
    "field": _field,
    "index": _index,
    "slice": _slice,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "current": _itself,
    "identity": _itself,
    "literal": _literal,
    "projection": _projection,
    "value_projection": _value_projection,
    "filter_projection": _filter_projection,
    "flatten": _flatten,
    "or_expression": _or,
    "and_expression": _and,
    "not_expression": _not,
    "comparator": _comparator,
    "function_expression": _function,
}
_EQUALITIES = {"eq": True, "ne": False}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _noted(value: object) -> Node:
    """A literal of an expression as a node; its floats as the decimals that were written."""
    if isinstance(value, dict):
        return Node({key: _noted(member) for key, member in value.items()})
    if isinstance(value, list):
        return Node([_noted(member) for member in value])
    if isinstance(value, float):
        return Node(Decimal(repr(value)))
    return Node(cast("int | str | bool | None", value))


def _listed(members: list[Node]) -> Node:
    """A list that stands nowhere itself: it reaches over the places of its members."""
    placed = [member for member in members if member.start >= 0]
    if not placed:
        return Node(members)
    return Node(members, min(node.start for node in placed), max(node.end for node in placed))


def _present(members: Sequence[Node], each: Find) -> Node:
    found = (each(member) for member in members)
    return _listed([node for node in found if node.value is not None])


def _true(node: Node) -> bool:
    """Falsehood of JMESPath: null, false, and an empty text, list or object. 0 is true."""
    value = node.value
    if value is None or value is False:
        return False
    return bool(value) if isinstance(value, str | list | dict) else True


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _equal(first: Node, second: Node) -> bool:
    left, right = first.value, second.value
    # In Python True is 1; in JSON it is not.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return type(left) is type(right) and _same_parts(left, right)
    return left == right


def _same_parts(left: object, right: object) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(_equal(one, other) for one, other in pairs)
    return False


def _length(node: Node) -> Node:
    return Node(len(node.value)) if isinstance(node.value, str | list | dict) else NULL


def _keys(node: Node) -> Node:
    return Node([Node(key) for key in node.value]) if isinstance(node.value, dict) else NULL


def _values(node: Node) -> Node:
    return _listed(list(node.value.values())) if isinstance(node.value, dict) else NULL


def _reverse(node: Node) -> Node:
    return _listed(node.value[::-1]) if isinstance(node.value, list) else NULL


def _contains(node: Node, searched: Node) -> Node:
    if isinstance(node.value, str):
        return Node(isinstance(searched.value, str) and searched.value in node.value)
    if isinstance(node.value, list):
        return Node(any(_equal(member, searched) for member in node.value))
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
    if _is_number(value):
        return node
    if not isinstance(value, str) or len(value) > 40:
        return NULL
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return NULL
    usable = number.is_finite() and abs(number.adjusted()) <= 40
    return Node(number, node.start, node.end) if usable else NULL


def _numbers(node: Node) -> list[Decimal | int] | None:
    members = plain(node)
    if not isinstance(members, list) or not all(map(_is_number, members)):
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
_FUNCTIONS: dict[str, tuple[int, Callable[..., Node]]] = {
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
