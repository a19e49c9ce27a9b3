"""The strict check of a definition's shape against the table of the language."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from django.utils.translation import gettext as _

from .errors import Mark, Path, Problem, dotted
from .language import KINDS, RULES, Rule, keys_of
from .nodes import Mapping, Node, Scalar
from .shapes import Fault

__all__ = ["MOST_PROBLEMS", "problems_of"]

# More would not be read; a hostile file makes no longer list.
MOST_PROBLEMS = 100


def problems_of(root: Node) -> list[Problem]:
    """What is wrong with the shape of a whole definition; empty: nothing."""
    found: list[Problem] = []
    for problem in _part("definition", root, ()):
        found.append(problem)
        if len(found) >= MOST_PROBLEMS:
            break
    return found


def _part(name: str, node: Node, path: Path) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        message = _("Here belongs a mapping (%(name)s).") % {"name": name}
        yield Problem(node.mark, dotted(path), message)
        return
    keys = keys_of(name)
    for key, (mark, value) in node.entries.items():
        if isinstance(key, str) and key in keys:
            for fault in keys[key].shape.faults(value, (*path, key)):
                yield from _followed(fault)
        elif not (name == "decode" and _is_open(node)):
            yield _unknown(str(key), mark, path, list(keys))
    for key_name, entry in keys.items():
        if entry.required and key_name not in node.entries:
            message = _("The key “%(key)s” is missing.") % {"key": key_name}
            yield Problem(node.mark, dotted(path), message)
    for rule in RULES.get(name, ()):
        yield from _broken(rule, node, path)


def _followed(fault: Fault) -> Iterator[Problem]:
    """A shape's fault as a problem, or the problems of the part that it asks to check."""
    if fault.part:
        yield from _part(fault.part, fault.node, fault.path)
    else:
        yield Problem(fault.node.mark, dotted(fault.path), fault.message)


def _is_open(node: Mapping) -> bool:
    """Whether the kind of this `decode` part has keys of its own."""
    kind = node.entries.get("kind")
    value = kind[1].value if kind and isinstance(kind[1], Scalar) else None
    return KINDS.get(value, True) if isinstance(value, str) else True


def _unknown(key: str, mark: Mark, path: Path, known: list[str]) -> Problem:
    near = difflib.get_close_matches(key[:64], known, 1, 0.6)
    message = _("There is no key “%(key)s” here.") % {"key": key[:64]}
    if near:
        message += " " + _("Did you mean “%(near)s”?") % {"near": near[0]}
    return Problem(mark, dotted((*path, key[:64])), message, near[0] if near else "")


def _broken(rule: Rule, node: Mapping, path: Path) -> Iterator[Problem]:
    given = [key for key in rule.keys if key in node.entries]
    if rule.least <= len(given) <= rule.most:
        return
    names = ", ".join(rule.keys)
    if len(given) < rule.least:
        message = _("One of these keys is missing: %(names)s.") % {"names": names}
        yield Problem(node.mark, dotted(path), message)
        return
    message = _("Only one of these keys may stand here: %(names)s.") % {"names": names}
    yield Problem(node.entries[given[-1]][0], dotted((*path, given[-1])), message)
