"""What may stand at a place of a definition: shapes that check, describe and publish themselves.

A shape says of a node whether it `fits` (by its type alone: which of several alternatives was
meant), what is wrong with it (`faults`), what people call it (`words`) and what JSON Schema does
(`schema`). Parts, mappings with known keys, are named, so that they may contain themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from .errors import Path
from .nodes import Listing, Mapping, Node, Scalar

__all__ = [
    "Anything",
    "Either",
    "Fault",
    "Keyed",
    "Listed",
    "Number",
    "Part",
    "Shape",
    "Text",
    "Truth",
    "Whole",
    "Written",
    "one_or_more",
]


class Fault(NamedTuple):
    """Where (from the top of the file), what, and which part has to be looked into further."""

    path: Path
    node: Node
    message: str
    part: str = ""


class Shape:
    """One kind of value."""

    def fits(self, node: Node) -> bool:
        raise NotImplementedError

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        """What is wrong. A fault with `part` set asks for the check of that part instead."""
        if not self.fits(node):
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})

    def words(self) -> str:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def parts(self) -> tuple[str, ...]:
        """Names of the parts that may stand here or, in lists and mappings, below."""
        return ()


def _value(node: Node) -> Any:
    return node.value if isinstance(node, Scalar) else None


@dataclass(frozen=True)
class Text(Shape):
    """A word or a sentence; `pattern` must match all of it, `what` names such texts."""

    pattern: str = ""
    what: str = "a text"
    choices: tuple[str, ...] = ()
    longest: int = 500

    def fits(self, node: Node) -> bool:
        value = _value(node)
        if not isinstance(value, str):
            return False
        return not self.pattern or self._matches(value)

    def _matches(self, value: str) -> bool:
        """Long texts are not tried: a pattern may need the square of their length."""
        return len(value) <= self.longest and re.fullmatch(self.pattern, value) is not None

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        value = _value(node)
        if not self.fits(node) or (self.choices and value not in self.choices):
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})
        elif len(value) > self.longest:
            yield Fault(path, node, _("The text is longer than %(n)d.") % {"n": self.longest})

    def words(self) -> str:
        return (
            _("one of %(names)s") % {"names": ", ".join(self.choices)}
            if self.choices
            else (self.what)
        )

    def schema(self) -> dict[str, Any]:
        if self.choices:
            return {"enum": list(self.choices)}
        found: dict[str, Any] = {"type": "string", "maxLength": self.longest}
        return {**found, "pattern": f"^(?:{self.pattern})$"} if self.pattern else found


@dataclass(frozen=True)
class Written(Text):
    """A text that may look like a number: bytes in hex are taken as they are written."""

    def fits(self, node: Node) -> bool:
        if not isinstance(node, Scalar):
            return False
        return not self.pattern or self._matches(node.text)

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        if not self.fits(node) or not isinstance(node, Scalar):
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})
        elif len(node.text) > self.longest:
            yield Fault(path, node, _("The text is longer than %(n)d.") % {"n": self.longest})

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "integer", "number"]}


@dataclass(frozen=True)
class Whole(Shape):
    """A whole number within bounds."""

    least: int = -(2**63)
    most: int = 2**63

    def fits(self, node: Node) -> bool:
        value = _value(node)
        return isinstance(value, int) and not isinstance(value, bool)

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        if not self.fits(node) or not self.least <= _value(node) <= self.most:
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})

    def words(self) -> str:
        return _("a whole number from %(least)d to %(most)d") % {
            "least": self.least,
            "most": self.most,
        }

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Number(Shape):
    """A whole or decimal number, exact as it is written."""

    def fits(self, node: Node) -> bool:
        value = _value(node)
        return isinstance(value, int | Decimal) and not isinstance(value, bool)

    def words(self) -> str:
        return _("a number")

    def schema(self) -> dict[str, Any]:
        return {"type": "number"}


@dataclass(frozen=True)
class Truth(Shape):
    """true or false."""

    def fits(self, node: Node) -> bool:
        return isinstance(_value(node), bool)

    def words(self) -> str:
        return _("true or false")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Anything(Shape):
    """Checked elsewhere."""

    def fits(self, node: Node) -> bool:
        return True

    def words(self) -> str:
        return _("anything")

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Listed(Shape):
    """A list of one shape."""

    of: Shape
    least: int = 0
    most: int = 1_000

    def fits(self, node: Node) -> bool:
        return isinstance(node, Listing)

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        if not isinstance(node, Listing) or not self.least <= len(node.items) <= self.most:
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})
            return
        for index, item in enumerate(node.items):
            yield from self.of.faults(item, (*path, index))

    def words(self) -> str:
        return _("a list, each of it %(what)s") % {"what": self.of.words()}

    def schema(self) -> dict[str, Any]:
        bounds = {"minItems": self.least, "maxItems": self.most}
        return {"type": "array", "items": self.of.schema(), **bounds}

    def parts(self) -> tuple[str, ...]:
        return self.of.parts()


@dataclass(frozen=True)
class Keyed(Shape):
    """A mapping whose keys the writer chooses; texts or whole numbers."""

    of: Shape
    most: int = 1_000

    def fits(self, node: Node) -> bool:
        return isinstance(node, Mapping)

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        if not isinstance(node, Mapping) or len(node.entries) > self.most:
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})
            return
        for key, (_place, value) in node.entries.items():
            if isinstance(key, Decimal) or key is None:
                message = _("A key must be a word or a whole number.")
                yield Fault(path, node, message)
            else:
                yield from self.of.faults(value, (*path, key))

    def words(self) -> str:
        return _("a mapping, each value of it %(what)s") % {"what": self.of.words()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.of.schema()}

    def parts(self) -> tuple[str, ...]:
        return self.of.parts()


@dataclass(frozen=True)
class Part(Shape):
    """A mapping with the keys of a named part of the language."""

    name: str

    def fits(self, node: Node) -> bool:
        return isinstance(node, Mapping)

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()}, self.name)

    def words(self) -> str:
        return _("a mapping (%(name)s)") % {"name": self.name}

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}

    def parts(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True)
class Either(Shape):
    """The first alternative whose type fits is the one that was meant."""

    shapes: tuple[Shape, ...]

    def fits(self, node: Node) -> bool:
        return any(shape.fits(node) for shape in self.shapes)

    def faults(self, node: Node, path: Path) -> Iterator[Fault]:
        meant = next((shape for shape in self.shapes if shape.fits(node)), None)
        if meant is None:
            yield Fault(path, node, _("Here belongs %(what)s.") % {"what": self.words()})
        else:
            yield from meant.faults(node, path)

    def words(self) -> str:
        return _(" or ").join(shape.words() for shape in self.shapes)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [shape.schema() for shape in self.shapes]}

    def parts(self) -> tuple[str, ...]:
        return tuple(name for shape in self.shapes for name in shape.parts())


def one_or_more(shape: Shape, most: int = 100) -> Either:
    """A value, or a list of such values."""
    alternatives: Sequence[Shape] = (shape, Listed(shape, least=1, most=most))
    return Either(tuple(alternatives))
