"""Commands on their way to modules: what waits, what is sent with an answer, what came of it."""

from .results import BatchResults
from .sending import Downlink

__all__ = ["BatchResults", "Downlink"]
