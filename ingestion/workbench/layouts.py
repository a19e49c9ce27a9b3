"""What bytes of an unknown layout betray by themselves: an IMEI, and a checksum at their end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from ingestion.codecs.binary.checksums import CRCS, crc_of

from .mappings import Mapped

__all__ = ["guessed_layout"]

_BYTES_NAMED = 24
# A check of eight bits agrees by chance too often to be told from none.
_LEAST_WIDTH = 16
_SHORTEST_CHECKED = 6
# An IMEI (3GPP TS 23.003, 6.2) has 15 digits; it begins with the body that allotted its type.
_IMEI = re.compile("0(?:01|35|86|99)[0-9]{13}")
_IMEI_TEXT = re.compile(rb"(?:01|35|86|99)[0-9]{13}")


class _Check(NamedTuple):
    """A checksum over all bytes before it, which are the last."""

    name: str
    size: int
    endian: str


def guessed_layout(octets: bytes) -> Mapped:
    """A name for each of the first bytes, and for what is known by its looks; the rest as it is."""
    check = _check_of(octets)
    fields = list(_fields(octets, check))
    has_imei = any("name: imei" in one for one in fields)
    layout = ["endian: big", *_check_lines(check)]
    layout += [f"# {line}" for line in (_how(), *_EXAMPLES)]
    layout += ["fields:", *(f"  - {{{one}}}" for one in fields)]
    identify = ["device: $imei" if has_imei else "device: $arrival.device"]
    return Mapped(layout=layout, identify=identify, after=[_then(), *_RULES])


def _how() -> str:
    return _("Put bytes together that belong together, and give them names. For example:")


def _then() -> str:
    return _("Then say what is kept. For example (take the # away, and put in your names):")


_EXAMPLES = (
    "  - {name: volume, type: u32, endian: little, unit: L}",
    "  - {name: battery, type: u8, mult: 0.02, unit: V}",
    "  - {name: at, type: u32, time: unix}  # or time: {epoch: 2020-01-01}",
    "  - {name: hours, type: u8, repeat: 6, sentinel: 255, unit: L}",
    '  - {name: mode, type: "u8[0:3]"}',
    '  - {name: edition, type: "u8[4:7]", consume: 1}',
)
_RULES = (
    "clock: $at",
    "readings:",
    "  - {register: volume, reading_type: cold_water.volume.register, value: $volume}",
    "series:",
    "  - {register: volume, reading_type: cold_water.volume, deltas: $hours, base: $volume,",
    "     at: $at, step: 1h, direction: backward}",
    "events:",
    "  - {field: $status, bits: {0: leak, 1: burst, 3: battery_low}}",
)


def _check_lines(check: _Check | None) -> Iterator[str]:
    if check:
        yield "# " + _("The last bytes are this checksum of all before them.")
        yield f"checksum: {{type: {check.name}, endian: {check.endian}}}"


def _check_of(octets: bytes) -> _Check | None:
    for name, crc in CRCS.items():
        size = crc.width // 8
        if crc.width < _LEAST_WIDTH or len(octets) < _SHORTEST_CHECKED + size:
            continue
        wanted = crc_of(crc, octets[:-size])
        for endian in ("little", "big"):
            # Nothing but zeros is a checksum of zeros by many of them.
            if wanted and wanted.to_bytes(size, endian) == octets[-size:]:  # type: ignore[arg-type]
                return _Check(name, size, endian)
    return None


def _fields(octets: bytes, check: _Check | None) -> Iterator[str]:
    end = len(octets) - (check.size if check else 0)
    at = named = 0
    imei_at, imei_size = _imei(octets[:end])
    while at < end and (named < _BYTES_NAMED or at <= imei_at):
        if at == imei_at:
            kind = "bcd" if imei_size == 8 else "ascii"
            yield f"name: imei, type: {kind}, length: {imei_size}"
            at += imei_size
        else:
            yield f"name: byte_{at}, type: u8"
            at, named = at + 1, named + 1
    if at < end:
        length = end - at if check else "remaining"
        yield f"name: rest, type: hex, length: {length}"
    if check:
        yield f"name: checksum, type: u{8 * check.size}, endian: {check.endian}"


def _imei(octets: bytes) -> tuple[int, int]:
    """Where an IMEI begins and the bytes it takes, as decimal digits or as text; else -1, 0."""
    text = _IMEI_TEXT.search(octets)
    if text:
        return text.start(), 15
    for at in range(len(octets) - 7):
        if _IMEI.fullmatch(octets[at : at + 8].hex()):
            return at, 8
    return -1, 0
