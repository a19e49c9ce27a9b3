"""The kinds of codecs: kind → what makes a decoder of the `decode` part of a definition.

Codecs are imported when a type of their kind is compiled: a server reads only what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ingestion.codecs.telegram import Telegram

from .assembling import with_assembly
from .decoded import Arrival

if TYPE_CHECKING:
    from ingestion.codecs.cosem import Keys as DlmsKeys

__all__ = ["KINDS", "TEXT_KINDS", "Builder", "Decoder", "LayoutError"]

Decoder = Callable[[bytes, Arrival], Telegram]
Builder = Callable[[Mapping[str, Any]], Decoder]

# Kinds whose telegrams are text: what a test writes as it is.
TEXT_KINDS = frozenset({"json", "senml", "obis_text", "nem"})

# Keys of an arrival that DLMS has a use for.
_DLMS_KEYS = frozenset({"encryption", "authentication", "broadcast", "master", "system_title"})


class LayoutError(ValueError):
    """The `decode` part is wrong: the path of keys to the fault, and the reason."""

    def __init__(self, path: tuple[Any, ...], reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def _binary(layout: Mapping[str, Any]) -> Decoder:
    """`strict: false` lets keys pass that nobody knows, as files of other makers have them."""
    from ingestion.codecs.binary import SchemaError, compile_schema

    rest = {key: value for key, value in layout.items() if key != "strict"}
    try:
        schema = compile_schema(rest, strict=layout.get("strict", True) is not False)
    except SchemaError as error:
        raise LayoutError(error.path, error.reason) from error

    def decode(octets: bytes, arrival: Arrival) -> Telegram:
        variables = {"config": dict(arrival.config)}
        return schema.decode(octets, port=arrival.port, variables=variables)

    return with_assembly(decode, schema)


def _json(layout: Mapping[str, Any]) -> Decoder:
    from ingestion.codecs.json_paths import compile_layout
    from ingestion.codecs.mapping import MappingError

    try:
        compiled = compile_layout(layout)
    except MappingError as error:
        raise LayoutError(error.path, error.reason) from error
    return lambda octets, arrival: compiled.decode(octets)


def _modbus(layout: Mapping[str, Any]) -> Decoder:
    """Who polled says where the response begins, in `config["modbus_start"]`."""
    from ingestion.codecs.mapping import MappingError
    from ingestion.codecs.modbus import compile_map

    try:
        compiled = compile_map(layout)
    except MappingError as error:
        raise LayoutError(error.path, error.reason) from error

    def decode(octets: bytes, arrival: Arrival) -> Telegram:
        start = arrival.config.get("modbus_start")
        return compiled.decode(octets, start=start if isinstance(start, int) else None)

    return decode


# How a wired frame begins; a LoRaWAN or NB-IoT payload begins with the CI field behind it.
_FRAME_STARTS = frozenset({0x10, 0x68, 0xE5})


def _mbus(layout: Mapping[str, Any]) -> Decoder:
    from ingestion.codecs.mbus import decode_application, decode_mbus

    def decode(octets: bytes, arrival: Arrival) -> Telegram:
        framed = not octets or octets[0] in _FRAME_STARTS
        return decode_mbus(octets) if framed else decode_application(octets)

    return decode


def _wmbus(layout: Mapping[str, Any]) -> Decoder:
    from ingestion.codecs.wmbus import Formats, decode_wmbus

    def decode(octets: bytes, arrival: Arrival) -> Telegram:
        memory = arrival.memory
        formats = None if memory is None else memory.setdefault("formats", Formats())
        return decode_wmbus(octets, key=arrival.keys.get("encryption"), formats=formats)

    return decode


def _cosem(layout: Mapping[str, Any]) -> Decoder:
    from ingestion.codecs.cosem import Keys, decode_cosem

    return lambda octets, arrival: decode_cosem(octets, keys=_dlms_keys(arrival, Keys))


def _obis_text(layout: Mapping[str, Any]) -> Decoder:
    """P1 telegrams may come ciphered as DLMS messages do."""
    from ingestion.codecs.cosem import Keys
    from ingestion.codecs.obis_text import decode_obis_text

    return lambda octets, arrival: decode_obis_text(octets, keys=_dlms_keys(arrival, Keys))


def _nem(layout: Mapping[str, Any]) -> Decoder:
    from ingestion.codecs.nem import decode_nem

    return lambda octets, arrival: decode_nem(octets)


def _dlms_keys(arrival: Arrival, keys: Callable[..., DlmsKeys]) -> DlmsKeys | None:
    given = {name: key for name, key in arrival.keys.items() if name in _DLMS_KEYS}
    return keys(**given) if "encryption" in given else None


def _senml(layout: Mapping[str, Any]) -> Decoder:
    from ingestion.codecs.senml import decode_senml

    def decode(octets: bytes, arrival: Arrival) -> Telegram:
        received = arrival.received_at
        return decode_senml(octets, received_at=int(received.timestamp()) if received else None)

    return decode


KINDS: dict[str, Builder] = {
    "binary": _binary,
    "mbus": _mbus,
    "wmbus": _wmbus,
    "cosem": _cosem,
    "obis_text": _obis_text,
    "nem": _nem,
    "json": _json,
    "senml": _senml,
    "modbus": _modbus,
}
