"""The JSON Schema (draft 2020-12) of the language, for editors; made from its table."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from .language import PART_DOCS, PARTS, RULES, Rule

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """The whole schema as plain values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Device type of Readout",
        "$ref": "#/$defs/definition",
        "$defs": {name: _part(name) for name in PARTS},
    }


def _part(name: str) -> dict[str, Any]:
    keys = PARTS[name]
    found: dict[str, Any] = {
        "description": PART_DOCS[name],
        "type": "object",
        "properties": {key.name: {**key.shape.schema(), "description": key.doc} for key in keys},
        "required": [key.name for key in keys if key.required],
        # The kinds that have a layout have keys of their own, which their codecs check.
        "additionalProperties": name == "decode",
    }
    rules = [_rule(rule) for rule in RULES.get(name, ())]
    return {**found, "allOf": rules} if rules else found


def _rule(rule: Rule) -> dict[str, Any]:
    if rule.most > 1:
        return {"anyOf": [{"required": [key]} for key in rule.keys]}
    if rule.least:
        return {"oneOf": [{"required": [key]} for key in rule.keys]}
    pairs = combinations(rule.keys, 2)
    return {"not": {"anyOf": [{"required": list(pair)} for pair in pairs]}}
