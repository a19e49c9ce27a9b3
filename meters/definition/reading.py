"""From the text of a device type to its checked definition."""

from __future__ import annotations

from .building import built
from .checking import problems_of
from .errors import DefinitionError
from .meaning import problems_of_meaning
from .model import Definition
from .nodes import read_nodes
from .vocabulary import Vocabulary, shipped_vocabulary

__all__ = ["read_definition"]


def read_definition(text: str, *, name: str, vocabulary: Vocabulary | None = None) -> Definition:
    """Read and check a definition; `name` is what errors call the file.

    DefinitionError with every problem that was found, in the order of the text. What the codec of
    the `decode` part and units say is checked when it is compiled (`ingestion.decoding`).
    """
    root = read_nodes(text, name=name)
    found = problems_of(root)
    if found:
        raise DefinitionError(name, found)
    words = vocabulary or shipped_vocabulary()
    definition = built(root, name=name, text=text, vocabulary=words)
    found = problems_of_meaning(definition)
    if found:
        raise DefinitionError(name, found)
    return definition
