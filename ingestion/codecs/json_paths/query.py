"""JMESPath expressions compiled to closures over a tree that knows its places.

The grammar is read by the `jmespath` library; what it parsed is compiled here, because the
library's own evaluation gives values without places and turns numbers into binary floats. Results
are those of the JMESPath specification. Left out is what would let a short expression make a large
result (multi-select lists and hashes) and functions that are not exact.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import prod
from typing import Any, TypeAlias, cast

import jmespath  # type: ignore[import-untyped]
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]

from .functions import FUNCTIONS, equal, is_number, is_true, listed
from .text import NULL, Node

__all__ = ["MAX_PATH", "Find", "PathError", "compile_path", "path_width"]

Find: TypeAlias = Callable[[Node], Node]
Tree: TypeAlias = Mapping[str, Any]
MAX_PATH = 300
_DEEPEST = 40
# What may go through every value below a node; all else takes one step.
_WIDE = frozenset(
    [
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
        "slice",
        "comparator",
        "function_expression",
    ]
)


class PathError(ValueError):
    """An expression that is not JMESPath, or uses what is left out; the message is the reason."""


def compile_path(expression: str) -> Find:
    """The closure that finds the expression's value from a node; NULL when there is none."""
    return _compile(_parsed(expression), 0)


def path_width(expression: str) -> int:
    """How many times at most the expression goes through all values of a document.

    A list that the expression holds itself may come once for each of them.
    """
    tree = _parsed(expression)
    return _width(tree) * _multiplied(tree)


def _parsed(expression: str) -> Tree:
    if len(expression) > MAX_PATH:
        raise PathError(f"a path of {len(expression)} characters, {MAX_PATH} are allowed")
    try:
        parsed: Tree = jmespath.compile(expression).parsed
    except (JMESPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise PathError(f"not a path of JMESPath: {reason}") from error
    return parsed


def _width(tree: Tree) -> int:
    inner = (child for child in tree["children"] if isinstance(child, Mapping))
    return (tree["type"] in _WIDE) + sum(map(_width, inner))


def _multiplied(tree: Tree) -> int:
    own = _size(tree["value"]) if tree["type"] == "literal" else 1
    inner = (child for child in tree["children"] if isinstance(child, Mapping))
    return own * prod(map(_multiplied, inner))


def _size(literal: object) -> int:
    if isinstance(literal, dict):
        return 1 + sum(map(_size, literal.values()))
    return 1 + sum(map(_size, literal)) if isinstance(literal, list) else 1


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
    return lambda node: listed(node.value[part]) if isinstance(node.value, list) else NULL


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
        return _present([member for member in value if is_true(condition(member))], each)

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
        return listed(flat)

    return find


def _or(tree: Tree, depth: int) -> Find:
    first, second = _parts(tree, depth)
    return lambda node: found if is_true(found := first(node)) else second(node)


def _and(tree: Tree, depth: int) -> Find:
    first, second = _parts(tree, depth)
    return lambda node: second(node) if is_true(found := first(node)) else found


def _not(tree: Tree, depth: int) -> Find:
    (inner,) = _parts(tree, depth)
    return lambda node: Node(not is_true(inner(node)))


def _comparator(tree: Tree, depth: int) -> Find:
    first, second = _parts(tree, depth)
    name: str = tree["value"]
    if name in _EQUALITIES:
        same = _EQUALITIES[name]
        return lambda node: Node(equal(first(node), second(node)) is same)
    compare = _ORDERS[name]

    def find(node: Node) -> Node:
        left, right = first(node).value, second(node).value
        if not is_number(left) or not is_number(right):
            return NULL
        return Node(compare(left, right))

    return find


def _function(tree: Tree, depth: int) -> Find:
    name, arguments = tree["value"], _parts(tree, depth)
    if name not in FUNCTIONS:
        raise PathError(f"the function {name} is unknown; known are {', '.join(sorted(FUNCTIONS))}")
    count, call = FUNCTIONS[name]
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


def _present(members: Sequence[Node], each: Find) -> Node:
    found = (each(member) for member in members)
    return listed([node for node in found if node.value is not None])
