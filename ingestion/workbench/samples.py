"""A telegram as somebody pasted it, and how it came."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from ingestion.decoding import Arrival
from ingestion.inspection import octets_in, unpacked
from meters.definition import DefinitionError
from meters.definition.nodes import plain, read_nodes

__all__ = [
    "ENCODINGS",
    "LARGEST_SAMPLE",
    "Sample",
    "SampleError",
    "octets_of",
    "sample_of",
    "sample_unpacked",
]

LARGEST_SAMPLE = 65_536
ENCODINGS = ("auto", "hex", "base64", "text")
_LARGEST_PORT = 65_535
_KEY_BYTES = (16, 24, 32)


class SampleError(ValueError):
    """The text is no telegram, or a circumstance is not written as it should be."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes and how they came. `written`: what the person says of it, for a test of the type."""

    octets: bytes
    arrival: Arrival
    written: dict[str, Any] = field(default_factory=dict)


def sample_unpacked(sample: Sample, kind: str) -> Sample:
    """Of a LoRaWAN network server's document what the module sent, and how; else as it is.

    kind: of the type that is to read it. DecodeError where there is nothing to read in it.
    """
    octets, arrival, uplink = unpacked(sample.octets, sample.arrival, kind=kind)
    if uplink is None:
        return sample
    told = {"transport": "lorawan", "port": uplink.port, "device": uplink.dev_eui}
    return Sample(octets, arrival, {**sample.written, **told})


def octets_of(text: str, encoding: str) -> bytes:
    """The bytes that a text writes down. SampleError where it does not."""
    if len(text) > 4 * LARGEST_SAMPLE:
        raise SampleError(_too_long())
    octets = _decoded(text, encoding)
    if len(octets) > LARGEST_SAMPLE:
        raise SampleError(_too_long())
    return octets


def _too_long() -> str:
    text = _("The telegram is longer than %(limit)d bytes; paste one telegram only.")
    return text % {"limit": LARGEST_SAMPLE}


def _decoded(text: str, encoding: str) -> bytes:
    if encoding == "text":
        return _lines(text).encode()
    if encoding == "auto":
        return octets_in(_lines(text).encode())
    packed = "".join(text.split())
    try:
        if encoding == "hex":
            return bytes.fromhex(packed.removeprefix("0x"))
        return base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error):
        raise SampleError(_not_written()[encoding]) from None


def _not_written() -> dict[str, str]:
    return {
        "hex": _("This is no hexadecimal: two digits from 0 to 9 and a to f make a byte."),
        "base64": _("This is no base64."),
    }


def _lines(text: str) -> str:
    """P1 telegrams end their lines with two characters, which pages make one of."""
    if text.lstrip()[:1] == "/" and "\r" not in text:
        return text.lstrip().replace("\n", "\r\n")
    return text


def sample_of(asked: dict[str, Any], *, zone: str = "") -> Sample | None:
    """What a page asks to be decoded; None where nothing was pasted. SampleError.

    zone: that of the company, in which the clocks of its devices are read unless it says another.
    """
    text = _text(asked, "payload", 4 * LARGEST_SAMPLE + 1)
    if not text.strip():
        return None
    encoding = asked.get("encoding")
    octets = octets_of(text, encoding if encoding in ENCODINGS else "auto")
    written: dict[str, Any] = {
        name: _text(asked, name, 200).strip() for name in ("topic", "device", "transport")
    }
    written |= {"port": _port(asked), "config": _config(asked)}
    keys = {"encryption": _key(asked, "key"), "authentication": _key(asked, "authentication_key")}
    arrival = Arrival(
        transport=written["transport"],
        topic=written["topic"],
        device=written["device"],
        port=written["port"],
        keys={name: key for name, key in keys.items() if key},
        received_at=datetime.now(UTC).replace(microsecond=0),
        config={"zone": zone, **written["config"]} if zone else written["config"],
        memory={},
    )
    return Sample(octets, arrival, {name: value for name, value in written.items() if value})


def _text(asked: dict[str, Any], name: str, longest: int) -> str:
    value = asked.get(name, "")
    return value[:longest] if isinstance(value, str) else ""


def _port(asked: dict[str, Any]) -> int | None:
    text = _text(asked, "port", 10).strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) > _LARGEST_PORT:
        raise SampleError(_("The port is a whole number from 0 to 65535."))
    return int(text)


def _key(asked: dict[str, Any], name: str) -> bytes:
    text = "".join(_text(asked, name, 200).split())
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b"?"
    if text and len(key) not in _KEY_BYTES:
        raise SampleError(_("A key has 32, 48 or 64 hexadecimal digits."))
    return key


def _config(asked: dict[str, Any]) -> dict[str, Any]:
    text = _text(asked, "config", 4_000)
    if not text.strip():
        return {}
    try:
        config = plain(read_nodes(text, name="config"))
    except DefinitionError:
        config = None
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        message = _("What the installation says is written one on a line: pulse_weight: 10")
        raise SampleError(message)
    return config
