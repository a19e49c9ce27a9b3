"""The loader: the only writer of the archive (docs/design/0003-archive-and-loader.md)."""

from .batch import Frames, LoadBatch, LoadResult, Readings, Refusal, Registers
from .calendar import ChannelCalendar
from .errors import ArchiveUnavailable, LoadError
from .loading import Loader, load
from .merge import Precedence

__all__ = [
    "ArchiveUnavailable",
    "ChannelCalendar",
    "Frames",
    "LoadBatch",
    "LoadError",
    "LoadResult",
    "Loader",
    "Precedence",
    "Readings",
    "Refusal",
    "Registers",
    "load",
]
