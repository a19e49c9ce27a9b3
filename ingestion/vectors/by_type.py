"""A published telegram decoded by a shipped device type, every published field looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram
from ingestion.decoding import Arrival, Decoded
from ingestion.inspection.types import UnknownTypeError, compiled_type

from .agreeing import agree, flattened, normalised
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["Published", "compare_by_type"]

# Names that are words for people about another field, not a quantity.
_LABELS = frozenset({"displayName", "desc", "decodingInfo"})
# How a published decoder says that the telegram does not have a value.
_ABSENT = (None, "null")
# Units as makers' decoders write them, where that is not a symbol of ours.
_UNIT_WORDS = {"m": "min", "pa": "Pa", "l": "L"}


class Published(NamedTuple):
    """A telegram with what was published for it.

    `values` by path; `names` says which of ours a published path is, where the names differ: a path
    of the tree, several of which the first that there is counts (`a|b`), `$model`, `$length`,
    `$port`, `$identity`, or `$label` for words about another field. `refused`: it must not decode.
    """

    name: str
    type: str
    octets: bytes
    values: Mapping[str, Any]
    names: Mapping[str, str]
    refused: bool = False
    port: int | None = None
    config: Mapping[str, Any] | None = None


def compare_by_type(published: Published) -> Outcome:
    """Equal when every published value is found, or what must be refused is refused."""
    try:
        compiled = compiled_type(published.type)
    except UnknownTypeError:
        return Outcome(published.name, REFUSED, "no device type for it ships")
    arrival = Arrival(port=published.port, config=published.config or {}, memory={})
    try:
        decoded = compiled.decode(published.octets, context=arrival)
    except DecodeError as error:
        verdict = EQUAL if published.refused else REFUSED
        return Outcome(published.name, verdict, str(error))
    if published.refused:
        return Outcome(published.name, DIFFERENT, "was read, and must be refused")
    known = _known(decoded, compiled.definition.model, published)
    faults = list(_faults(published, known))
    return Outcome(published.name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _faults(published: Published, known: Mapping[str, Any]) -> Iterator[str]:
    for path, value in published.values.items():
        if path.rpartition(".")[2] in _LABELS:
            continue
        choices = published.names.get(path, path).split("|")
        if choices == ["$label"]:
            continue
        ours = next((one for one in choices if _key_of(one) in known), choices[0])
        key = _key_of(ours)
        if key not in known and value in _ABSENT:
            continue
        if key not in known:
            yield f"{path} = {value}: not decoded"
        elif not agree(
            known[key], _UNIT_WORDS.get(value, value) if key.endswith(".unit") else value
        ):
            yield f"{path} = {value}: decoded {known[key]}"


def _key_of(name: str) -> str:
    return name if name.startswith("$") else _key(name)


def _known(decoded: Decoded, model: str, published: Published) -> dict[str, Any]:
    """Everything that was decoded, by path without case and separators."""
    telegram = decoded.telegram
    known = {_key(path): value for path, value in flattened(telegram.tree)}
    for item in telegram.items:
        known.setdefault(_key(item.name), item.value)
        known[f"{_key(item.name)}.value"] = item.value
        known[f"{_key(item.name)}.unit"] = item.unit
    for path, members in _lists(telegram):
        known |= _of_list(_key(path), members)
    identity = decoded.identity.value if decoded.identity else None
    return known | {
        "$model": model,
        "$length": len(published.octets),
        "$port": published.port,
        "$identity": identity,
    }


def _lists(telegram: Telegram) -> Iterator[tuple[str, list[Any]]]:
    return ((key, value) for key, value in telegram.tree.items() if isinstance(value, list))


def _of_list(key: str, members: list[Any]) -> dict[str, Any]:
    """The list itself, and what makers' decoders tell of one: how many, their sum, the last."""
    told: dict[str, Any] = {key: members, f"{key}.count": len(members)}
    if members:
        told[f"{key}.last"] = members[-1]
    if members and all(isinstance(one, int | Decimal) for one in members):
        told[f"{key}.sum"] = sum(members)
    return told


def _key(path: str) -> str:
    return ".".join(normalised(step) for step in path.replace("[", ".").split("."))
