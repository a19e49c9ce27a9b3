"""XML read as a stream: no tree is built, and nothing in the file can make memory or time grow.

defusedxml and openpyxl refuse entities, but still build an element for every tag of a row or a
style sheet; a row of millions of tags, of distinct names, or nested without end costs hundreds of
megabytes. Here documents with a DTD are refused (so there are no entities at all), and the depth,
the names and the length of one token are bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from .archive import damaged
from .errors import TableFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["XmlStream"]

_DEPTH = 40
_NAMES = 400
_TOKEN_BYTES = 2 * 1024 * 1024


class XmlStream:
    """Base of the readers: override `start`, `end` and `text`; names come without prefix."""

    def __init__(self) -> None:
        self._depth = 0
        self._elements: dict[str, str] = {}
        self._attributes: set[str] = set()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        raise NotImplementedError

    def text(self, data: str) -> None:
        raise NotImplementedError

    def feed(self, pieces: Iterable[bytes]) -> None:
        """Read the document; raises TableFileError when it is no well-formed, plain XML."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text
        fed = 0
        try:
            for piece in pieces:
                fed += len(piece)
                parser.Parse(piece, False)
                if fed - parser.CurrentByteIndex > _TOKEN_BYTES:
                    raise damaged()
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            if isinstance(error, TableFileError):
                raise
            raise damaged() from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise damaged()
        if not attributes.keys() <= self._attributes:
            self._attributes.update(attributes)
        local = self._elements.get(name)
        if local is None:
            local = self._elements[name] = name.rpartition(":")[2]
        if len(self._elements) > _NAMES or len(self._attributes) > _NAMES:
            raise damaged()
        self.start(local, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self.end(self._elements[name])


def _refuse(*_declaration: object) -> None:
    raise damaged()
