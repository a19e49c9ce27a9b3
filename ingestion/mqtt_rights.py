"""Topics that a module of another protocol may publish to: those of its device type, with its address.

The topic template of a type says where its devices publish; a login fills the device's level with
the network address of the module. A right is a topic filter: literal levels, `+`, and `#` at the
end. It must not let the module speak for another one, of whatever type reads the same topics.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext as _

from ingestion.errors import IngestionError
from ingestion.foreign.messages import normal
from ingestion.foreign.recognising import alternatives
from meters.definition import DefinitionError, read_definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Listening", "check_apart", "heard_as", "listening", "rights_of"]

_HOLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# What is one level, and nothing else, for every broker: a dot, a space, `*` or `>` is not for NATS.
_SAFE_LEVEL = re.compile(r"[A-Za-z0-9_:=~@-]{1,100}")
_SAFE_ADDRESS = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]{1,64}")
_OURS = "readout"
_BY_TOPIC = "$topic."
_WILD = frozenset("+#")
# They take the address from the telegram where the type says nothing.
_MBUS_KINDS = frozenset({"mbus", "wmbus"})


class Listening(NamedTuple):
    """How a type listens to a broker. part: the level that tells the device; "": a field does."""

    template: str
    part: str
    scheme: str


@lru_cache(maxsize=200)
def listening(definition: str) -> Listening | None:
    """None: a type of that definition has no topic that the server would subscribe to."""
    try:
        said = read_definition(definition, name="type")
    except DefinitionError:
        return None
    identify = said.identify
    if identify is None or not identify.topic:
        return None
    if identify.transport and "mqtt" not in identify.transport:
        return None
    device = identify.device
    if not device and said.decode.kind not in _MBUS_KINDS and "{device}" in identify.topic:
        device = f"{_BY_TOPIC}device"
    part = device.removeprefix(_BY_TOPIC) if device.startswith(_BY_TOPIC) else ""
    return Listening(identify.topic, part, identify.scheme or "topic")


def rights_of(kind: Listening, address: str) -> tuple[str, ...]:
    """The filters for a module; IngestionError, with what to do, where there is no safe one."""
    if not _SAFE_ADDRESS.fullmatch(address):
        raise IngestionError(
            _(
                "The network address “%(address)s” can't be a part of a topic: it may have letters"
                " A to Z, digits, - and _ only. Give the module another network address, and the"
                " device the same in its MQTT settings."
            )
            % {"address": address}
        )
    found = tuple(dict.fromkeys(filter(_is_safe, _filled(kind, address))))
    if not found:
        raise IngestionError(
            _(
                "With the address “%(address)s” the topic “%(topic)s” of the device type gives no"
                " right that is safe. It must begin with a word other than “readout” or with the"
                " address, must have a level for the address such as {device}, and its other levels"
                " may have letters A to Z, digits, - _ : = ~ and @ only. Change the topic of the"
                " type, or the address."
            )
            % {"address": address, "topic": kind.template}
        )
    return found


def _filled(kind: Listening, address: str) -> Iterator[str]:
    """The template with the address at its level; without a named one, at each that is open."""
    levels = kind.template.split("/")
    for place, level in enumerate(levels):
        hole = _HOLE.search(level)
        if kind.part:
            mine = hole is not None and hole[1] == kind.part
        else:
            mine = hole is not None or level in _WILD
        if mine:
            own = f"{address}/#" if level == "#" else _with(level, address)
            rest = [_opened(other) for other in levels]
            yield "/".join([*rest[:place], own, *rest[place + 1 :]])


def _with(level: str, address: str) -> str:
    return address if level == "+" else _HOLE.sub(address, level)


def _opened(level: str) -> str:
    return "+" if _HOLE.search(level) else level


def _is_safe(right: str) -> bool:
    levels = right.split("/")
    if levels[0] in _WILD or levels[0].lower() == _OURS:
        return False
    return all(
        _SAFE_LEVEL.fullmatch(level) or level == "+" or (level == "#" and place == len(levels))
        for place, level in enumerate(levels, 1)
    )


def check_apart(rights: Iterable[str], filters: Iterable[str]) -> None:
    """IngestionError where a right reaches topics that a network server publishes to for many."""
    others = list(filters)
    if any(_meet(right.split("/"), one.split("/")) for right in rights for one in others):
        text = _(
            "On topics of this device type the server hears a network server, which speaks for many"
            " devices. Give the type another topic."
        )
        raise IngestionError(text)


def heard_as(rights: Iterable[str], kinds: Iterable[tuple[int, Listening]]) -> set[tuple[int, str]]:
    """As whom the types would hear the messages: (type, identity as it is compared).

    IngestionError where a type could hear anybody, as the level of its device is open.
    """
    listening = list(kinds)
    found = set()
    for right in rights:
        for number, kind in listening:
            identity = _heard(right.split("/"), kind)
            if identity is not None:
                names = alternatives(kind.scheme, identity)
                found |= {(number, normal(name)) for name in names}
    return found


def _heard(right: list[str], kind: Listening) -> str | None:
    """The identity that a type takes from these topics; None: it doesn't read them, or by a field."""
    template = kind.template.split("/")
    if not kind.part or not _meet(right, [_opened(level) for level in template]):
        return None
    hole = f"{{{kind.part}}}"
    place = next((at for at, level in enumerate(template) if hole in level), None)
    if place is None:
        return None
    level = right[place] if place < len(right) else "#"
    if level in _WILD:
        text = _(
            "The topic of the device type is so open that a module could speak for another one."
            " Give it words instead of + and # where the topic of another type has its device."
        )
        raise IngestionError(text)
    before, _hole, behind = template[place].partition(hole)
    if not (level.startswith(before) and level.endswith(behind)):
        return None
    return level[len(before) : len(level) - len(behind)] or None


def _meet(one: list[str], other: list[str]) -> bool:
    """Whether a topic fits both filters."""
    for left, right in zip(one, other, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    longer = max(one, other, key=len)
    return len(one) == len(other) or longer[min(len(one), len(other))] == "#"
