"""The published device types, compiled once a version, and which of them a message may be of."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import connection

from ingestion.decoding import CompiledType, compile_type
from meters.definition import DefinitionError, read_definition
from meters.definition.templates import topic_pattern

from .sql import FOREIGN_TYPES
from .together import Lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .messages import Message

__all__ = ["ForeignType", "ForeignTypes", "type_made", "types_read"]

logger = logging.getLogger(__name__)

# Media that reach us through a gateway, whatever carries its messages.
_THROUGH_GATEWAYS = frozenset({"wmbus", "mbus", "serial", "modbus"})
# Kinds by how sure it is that what they read is theirs: checked by sums, signs, structure, nothing.
_SURE = ("mbus", "obis_text", "nem", "cosem", "wmbus", "senml", "json", "modbus", "binary")
_REMEMBERED = 10_000
_PUBLISHED = f"""
SELECT v.id, t.id, t.code, v.definition, t.company_id
FROM meters_devicetypeversion v JOIN meters_devicetype t ON t.id = v.device_type_id
WHERE v.status = 'published' AND t.id IN ({FOREIGN_TYPES}) AND {{where}} ORDER BY v.id
"""


@dataclass(frozen=True, slots=True)
class ForeignType:
    """A published version of a type; id: of the type."""

    id: int
    code: str
    version: int
    compiled: CompiledType = field(repr=False)
    transports: frozenset[str]
    topic: re.Pattern[str] | None
    template: str
    # Types that read a message the same way have the same: their kind has no layout.
    reader: str | int
    # Whether topic or source tell who speaks, though the message can't be read.
    told_by_way: bool
    # Whether what it reads may be of the moment of receipt though it has a time.
    asks_receipt: bool = False
    # Whether its messages are read in one way, however a module is installed.
    reads_alike: bool = False
    # How its messages are read together, where its kind has a way to.
    lanes: Lanes | None = field(default=None, repr=False)
    # Whose own it is; None where it is shipped.
    company: int | None = None

    @property
    def kind(self) -> str:
        return self.compiled.definition.decode.kind

    def way(self, message: Message) -> str | None:
        """The transport that the type is told of; "" through a gateway, None if it can't be."""
        if not self.transports or message.way in self.transports:
            return message.way
        return "" if self.transports & _THROUGH_GATEWAYS else None

    def may_be(self, message: Message) -> bool:
        """By transport and topic alone."""
        if self.way(message) is None:
            return False
        return self.topic is None or self.topic.fullmatch(message.topic) is not None


class ForeignTypes:
    """All published types; those that leave the least to chance are asked first."""

    def __init__(self, types: Iterable[ForeignType] = ()) -> None:
        self.all = tuple(sorted(types, key=_sureness))
        self.by_id = {one.id: one for one in self.all}
        self._of: dict[tuple[str, str], tuple[ForeignType, ...]] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """What a broker has to be asked for: subscriptions, in order, each once."""
        return tuple(sorted({_subscription(one.template) for one in self.all if one.template}))

    def of(self, message: Message) -> tuple[ForeignType, ...]:
        """The types that a message may be of, by transport and topic alone."""
        key = message.way, message.topic
        found = self._of.get(key)
        if found is None:
            if len(self._of) >= _REMEMBERED:
                self._of.clear()
            found = self._of[key] = tuple(one for one in self.all if one.may_be(message))
        return found


def _sureness(one: ForeignType) -> tuple[bool, bool, bool, int, int]:
    """Types of one maker's devices before those that name no maker."""
    identify = one.compiled.definition.identify
    rows = identify.detect if identify is not None else ()
    anyones = not all("manufacturer" in row for row in rows)
    return one.topic is None, not rows, anyones, _SURE.index(one.kind), one.id


def _subscription(template: str) -> str:
    """The filter of a topic template: a level with a name in it is any level."""
    return "/".join("+" if "{" in level else level for level in template.split("/"))


def types_read(ids: Sequence[int] | None = None) -> ForeignTypes:
    """The published types, or those of them with these ids. One that does not compile is left out."""
    where = "true" if ids is None else "t.id = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(_PUBLISHED.format(where=where), [] if ids is None else [list(ids)])
        rows = cursor.fetchall()
    return ForeignTypes(made for row in rows if (made := type_made(*row)) is not None)


def type_made(
    version: int, device_type: int, code: str, text: str, company: int | None = None
) -> ForeignType | None:
    """None, and a line in the log, where the definition can't be compiled."""
    try:
        compiled = _compiled(text, code)
    except DefinitionError as error:
        logger.warning("device type %s can't be used: %s", code, error)
        return None
    identify = compiled.definition.identify
    template = identify.topic if identify else ""
    return ForeignType(
        device_type,
        code,
        version,
        compiled,
        frozenset(identify.transport if identify else ()),
        topic_pattern(template) if template else None,
        template,
        device_type if compiled.definition.decode.layout else compiled.definition.decode.kind,
        bool(template) or (identify is not None and identify.device.startswith("$arrival.")),
        compiled.definition.decode.kind == "senml" or "$arrival.received_at" in text,
        _reads_alike(compiled),
        _lanes(text, code) if compiled.definition.decode.kind == "binary" else None,
        company,
    )


def _reads_alike(compiled: CompiledType) -> bool:
    decode = compiled.definition.decode
    asks = "config" in str(decode.layout) or "assembly" in decode.layout
    return decode.kind == "binary" and not asks


@lru_cache(maxsize=2_000)
def _lanes(text: str, name: str) -> Lanes:
    return Lanes(_compiled(text, name))


@lru_cache(maxsize=2_000)
def _compiled(text: str, name: str) -> CompiledType:
    return compile_type(read_definition(text, name=name))
