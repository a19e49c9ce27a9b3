"""Random creates, moves, renames and deletions against a plain dictionary of parents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.errors import HierarchyError
from hierarchy.kinds import KINDS
from hierarchy.models import Node
from hierarchy.services import node_delete, node_move, node_update
from tests.access.walk import undone
from tests.hierarchy.trees import Forest

if TYPE_CHECKING:
    from accounts.models import Company

_ORDER = [str(kind) for kind in KINDS["territory"]]
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "create", "create", "move", "rename", "delete"]),
        st.integers(0, 30),
        st.integers(-1, 30),
        st.sampled_from(_ORDER),
    ),
    max_size=25,
)


@dataclass
class Plain:
    """What the tree should be: parent, kind and name of each node, nothing else."""

    parents: dict[int, int | None] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def above(self, key: int | None) -> list[int]:
        found = []
        while key is not None:
            found.append(key)
            key = self.parents[key]
        return found

    def fits(self, kind: str, parent: int | None) -> bool:
        return parent is None or _ORDER.index(self.kinds[parent]) <= _ORDER.index(kind)

    def pick(self, number: int) -> int | None:
        return (
            list(self.parents)[number % len(self.parents)] if number >= 0 and self.parents else None
        )


@given(steps=_STEPS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_tree_is_what_a_dictionary_says(
    company: Company, steps: list[tuple[str, int, int, str]]
) -> None:
    with undone():
        forest, plain = Forest(company), Plain()
        for number, step in enumerate(steps):
            _do(forest, plain, number, *step)
        rows = forest.rows()
        assert {key: node.parent_id for key, node in rows.items()} == plain.parents
        assert {key: node.name for key, node in rows.items()} == plain.names
        forest.assert_sound()


def _do(forest: Forest, plain: Plain, number: int, what: str, a: int, b: int, kind: str) -> None:
    key, other = plain.pick(a), plain.pick(b)
    if what == "create":
        _create(forest, plain, f"n{number}", other, kind)
    elif key is None:
        return
    elif what == "move":
        allowed = plain.fits(plain.kinds[key], other) and key not in plain.above(other)
        if _went(lambda: node_move(actor=None, node=_node(key), parent=_maybe(other))) is allowed:
            plain.parents[key] = other if allowed else plain.parents[key]
            return
        raise AssertionError(f"move of {key} under {other}: the tree and the rules disagree")
    elif what == "rename":
        node_update(actor=None, node=_node(key), name=f"r{number}")
        plain.names[key] = f"r{number}"
    else:
        _delete(plain, key)


def _create(forest: Forest, plain: Plain, name: str, parent: int | None, kind: str) -> None:
    made: list[Node] = []
    went = _went(lambda: made.append(forest.add(kind, name, _maybe(parent))))
    assert went is plain.fits(kind, parent)
    if went:
        plain.parents[made[0].pk], plain.kinds[made[0].pk] = parent, kind
        plain.names[made[0].pk] = name


def _delete(plain: Plain, key: int) -> None:
    empty = key not in plain.parents.values()
    assert _went(lambda: node_delete(actor=None, node=_node(key))) is empty
    if empty:
        for table in (plain.parents, plain.kinds, plain.names):
            del table[key]


def _went(wish: object) -> bool:
    try:
        wish()  # type: ignore[operator]
    except HierarchyError:
        return False
    return True


def _node(key: int) -> Node:
    return Node.objects.get(pk=key)


def _maybe(key: int | None) -> Node | None:
    return None if key is None else _node(key)
