"""Vectors of the Payload Schema repository: its schemas, loaded as they stand, and their payloads.

A vector names a schema file, a payload in hexadecimal and what the public interpreter gives. Each
published value must be found in the decoded tree: whole numbers and texts exactly, fractions within
half a unit of the last decimal published (or of the float that the device sent); null stands for a
value that must be absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ingestion.codecs.binary import BinaryDecoder, SchemaError, compile_schema
from ingestion.codecs.binary.numbers import shortest
from ingestion.codecs.errors import DecodeError

from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["compare", "differences", "read_schema"]

# A binary32 has 24 bits of fraction; published decimals are often its binary64 neighbour.
_FLOAT = Decimal(2) ** -24
# What binary64 arithmetic adds to a value near zero.
_NOISE = Decimal("1e-9")


@lru_cache(maxsize=512)
def read_schema(path: Path) -> Mapping[str, Any]:
    """A schema file as YAML 1.2 means it."""
    loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    if not isinstance(loaded, Mapping):
        raise SchemaError((), f"{path.name} holds no mapping")
    return loaded


def compare(vector_file: Path, folder: Path) -> Iterable[Outcome]:
    """Every decode vector of the file; `folder` holds the schemas under the names it uses."""
    document = json.loads(vector_file.read_text(encoding="utf-8"), parse_float=Decimal)
    for vector in document["vectors"]:
        if vector.get("direction", "decode") == "decode":
            yield _compared(vector, folder)


def _compared(vector: Mapping[str, Any], folder: Path) -> Outcome:
    name = f"{vector['schema']} {vector['name']}"
    path = folder / vector["schema"]
    try:
        decoder = _decoder(path)
    except (SchemaError, YAMLError, OSError) as error:
        return Outcome(name, REFUSED, str(error))
    port = vector.get("fPort")
    if port is None:
        port = _port(path, str(vector["name"]))
    try:
        tree = decoder.decode(bytes.fromhex(vector["payload_hex"]), port=port).tree
    except DecodeError as error:
        return Outcome(name, REFUSED, str(error))
    found = list(differences(vector["expected"], tree))
    return Outcome(name, DIFFERENT if found else EQUAL, "; ".join(found))


@lru_cache(maxsize=512)
def _decoder(path: Path) -> BinaryDecoder:
    return compile_schema(read_schema(path))


def _port(path: Path, name: str) -> int | None:
    """The port that the schema's own copy of the vector names in another spelling."""
    for vector in read_schema(path).get("test_vectors") or ():
        if str(vector.get("name")) == name:
            ports = (vector.get(key) for key in ("fPort", "fport", "port"))
            return next((port for port in ports if isinstance(port, int)), None)
    return None


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """What of the published values is not so, each in words."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            yield f"{where or 'result'}: {found!r} is not an object"
            return
        for key, value in expected.items():
            yield from differences(value, found.get(key), f"{where}.{key}".lstrip("."))
    elif isinstance(expected, list):
        yield from _listed(expected, found, where)
    elif not _same(expected, found):
        yield f"{where}: {found!s} instead of {expected!s}"


def _listed(expected: list[Any], found: Any, where: str) -> Iterator[str]:
    if isinstance(found, str) and all(isinstance(octet, int) for octet in expected):
        found = list(bytes.fromhex(found)) if re.fullmatch(r"([0-9a-f]{2})*", found) else found
    if not isinstance(found, list) or len(found) != len(expected):
        yield f"{where}: {found!r} is not a list of {len(expected)}"
        return
    for place, (wanted, given) in enumerate(zip(expected, found, strict=True)):
        yield from differences(wanted, given, f"{where}[{place}]")


def _same(expected: Any, found: Any) -> bool:
    if _is_flag(expected) and _is_flag(found):
        return bool(expected) == bool(found)
    if _is_number(expected) and _is_number(found):
        return _near(expected, found)
    if isinstance(expected, str) and isinstance(found, str):
        return expected == found or _same_octets(expected, found)
    return type(expected) is type(found) and bool(expected == found)


def _near(expected: int | Decimal, found: int | Decimal) -> bool:
    if isinstance(expected, int):
        # A quotient of 50 digits may miss a whole number that a binary64 happens to hit.
        return expected == found or abs(Decimal(found) - expected) <= _NOISE
    exponent = expected.as_tuple().exponent
    unit = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    tolerance = max(unit / 2, abs(expected) * _FLOAT, _NOISE)
    if abs(Decimal(found) - expected) <= tolerance:
        return True
    # A binary16 published with all the digits of its binary64.
    return shortest(float(expected), 2) == found


def _same_octets(expected: str, found: str) -> bool:
    """Bytes in hexadecimal, whose case and separators are a matter of taste."""
    plain = re.sub(r"[ :-]", "", expected).lower()
    return len(plain) == len(found) and bool(re.fullmatch(r"[0-9a-f]+", plain)) and plain == found


def _is_flag(value: Any) -> bool:
    """The vendors' decoders give a bit as true or 1."""
    return isinstance(value, int) and value in {0, 1}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
