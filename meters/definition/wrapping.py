"""A file of the Payload Schema language alone → a definition of it, ready to be finished."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

from django.utils.translation import gettext as _
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from .errors import DefinitionError, Mark, Problem
from .nodes import Listing, Mapping, plain, read_nodes, text_of
from .scalars import ScalarError, resolve

__all__ = ["wrap_payload_schema"]

_LAYOUT = ("fields", "ports")
_VECTORS = "test_vectors"


def wrap_payload_schema(text: str, *, name: str = "schema") -> str:
    """The text of a definition that decodes by this schema and has its vectors as tests.

    Readings, vendor and model are for a person to fill in. DefinitionError where the text is no
    schema.
    """
    root = read_nodes(text, name=name)
    schema = plain(root)
    if not isinstance(root, Mapping) or not any(key in schema for key in _LAYOUT):
        message = _("This is no payload schema: it has neither `fields` nor `ports`.")
        raise DefinitionError(name, [Problem(Mark(1, 1), "", message)])
    title = str(schema.get("name") or name)
    version = schema.get("version")
    definition = {
        "type": _code(title),
        "version": version if isinstance(version, int) and version > 0 else 1,
        "vendor": title[:100],
        "model": title[:100],
        "resource": "device",
        "decode": {
            "kind": "binary",
            "strict": False,
            **{k: v for k, v in schema.items() if k != _VECTORS},
        },
        "tests": list(_tests(root)),
    }
    return _written({key: value for key, value in definition.items() if value != []})


def _code(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:64] or "device"


def _tests(root: Mapping) -> Iterator[dict[str, Any]]:
    """Vectors with a payload; the port is that of LoRaWAN."""
    vectors = root.entries.get(_VECTORS, (None, None))[1]
    for node in vectors.items if isinstance(vectors, Listing) else ():
        vector = plain(node)
        if not isinstance(node, Mapping) or not isinstance(vector.get("expected"), dict):
            continue
        payload = node.entries.get("payload")
        found = {
            "name": vector.get("name"),
            "source": vector.get("source"),
            "payload": text_of(payload[1]) if payload else "",
            "port": vector.get("fPort", vector.get("port")),
            "expect": vector["expected"],
        }
        if found["payload"] and found["expect"]:
            yield {key: value for key, value in found.items() if value is not None}


def _written(definition: dict[str, Any]) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    yaml.representer.add_representer(Decimal, _decimal)
    yaml.representer.add_representer(str, _text)
    out = StringIO()
    yaml.dump(definition, out)
    return out.getvalue()


def _decimal(representer: SafeRepresenter, value: Decimal) -> ScalarNode:
    return representer.represent_scalar("tag:yaml.org,2002:float", f"{value:f}")


def _text(representer: SafeRepresenter, value: str) -> ScalarNode:
    """Quoted wherever it would be read as something else than this text."""
    try:
        quoted = resolve(value) != value
    except ScalarError:
        quoted = True
    style = "'" if quoted else None
    return representer.represent_scalar("tag:yaml.org,2002:str", value, style=style)
