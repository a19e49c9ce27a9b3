"""What a frame is, by its own bytes: every codec that may read it is tried, the surest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ingestion.codecs.cosem import Keys, decode_cosem
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.json_paths import decode_flat
from ingestion.codecs.lorawan import may_be_uplink
from ingestion.codecs.mbus import decode_application, decode_mbus
from ingestion.codecs.modbus import compile_map
from ingestion.codecs.nem import decode_nem, looks_like_nem
from ingestion.codecs.obis_text import decode_obis_text
from ingestion.codecs.senml import decode_senml
from ingestion.codecs.telegram import Telegram
from ingestion.codecs.wmbus import decode_wmbus

from .universal import decode_universal
from .unpacking import decode_uplink

__all__ = ["CANDIDATES", "Candidate", "Recognised", "recognise"]


class KeyRing(NamedTuple):
    """Keys that were given: of encryption, and of authentication (DLMS)."""

    encryption: bytes | None = None
    authentication: bytes | None = None


Decode = Callable[[bytes, KeyRing], Telegram]

_MBUS_ACK, _MBUS_SHORT, _MBUS_LONG, _MBUS_STOP = 0xE5, 0x10, 0x68, 0x16
# Header CI fields of EN 13757-3: long, none, short; a LoRaWAN payload may begin with one.
_CI_FIELDS = frozenset({0x72, 0x78, 0x7A})
# SND-NR, SND-IR, ACC-NR, ACC-DMD, RSP-UD of EN 13757-4.
_WMBUS_CONTROLS = frozenset({0x44, 0x46, 0x47, 0x48, 0x08, 0x18})
# DataNotification, general-ciphering, general-glo, general-ded, an A-XDR structure or array, an
# answer, and the LLC header.
_COSEM_TAGS = frozenset({0x0F, 0xDB, 0xDC, 0xDD, 0x01, 0x02, 0xC4, 0xE6})
_READ_FUNCTIONS = frozenset({1, 2, 3, 4})


class Candidate(NamedTuple):
    """`fits` looks at a few bytes only; `decode` takes the frame and a key, or None."""

    kind: str
    fits: Callable[[bytes], bool]
    decode: Decode


class Recognised(NamedTuple):
    """The telegram, and why the candidates before it were not it."""

    kind: str
    telegram: Telegram
    passed: tuple[str, ...]


def recognise(
    octets: bytes, *, key: bytes | None = None, authentication_key: bytes | None = None
) -> Recognised:
    """The first candidate that reads all of the frame; DecodeError with all their reasons."""
    keys = KeyRing(key, authentication_key)
    passed: list[str] = []
    furthest = 0
    for candidate in CANDIDATES:
        if octets and candidate.fits(octets):
            try:
                return Recognised(candidate.kind, candidate.decode(octets, keys), tuple(passed))
            except DecodeError as error:
                passed.append(f"{candidate.kind}: {error}")
                furthest = max(furthest, error.offset)
    reasons = "; ".join(passed) or "it begins like none of them"
    raise DecodeError(furthest, f"no known protocol ({reasons})")


def _first(octets: bytes) -> bytes:
    return octets.lstrip()[:1]


def _is_wired(octets: bytes) -> bool:
    if octets[0] == _MBUS_LONG:
        return octets[3:4] == b"\x68" and octets[1:2] == octets[2:3]
    if octets[0] == _MBUS_SHORT:
        return len(octets) >= 5 and octets[4] == _MBUS_STOP
    return octets[0] == _MBUS_ACK


def _is_wireless(octets: bytes) -> bool:
    return len(octets) > 10 and octets[0] < len(octets) and octets[1] in _WMBUS_CONTROLS


def _is_cosem(octets: bytes) -> bool:
    return octets[0] in (0x7E, _MBUS_LONG) or octets[:2] == b"\0\1" or octets[0] in _COSEM_TAGS


def _is_universal(octets: bytes) -> bool:
    return octets[0] >> 5 == 1 and octets[1:4].isalpha() and octets[1:4].isupper()


def _is_modbus(octets: bytes) -> bool:
    return _over_tcp(octets) or (len(octets) > 4 and octets[1] & 0x7F in _READ_FUNCTIONS)


def _over_tcp(octets: bytes) -> bool:
    return len(octets) > 7 and octets[2:4] == b"\0\0" and octets[7] & 0x7F in _READ_FUNCTIONS


def _cosem(octets: bytes, keys: KeyRing) -> Telegram:
    return decode_cosem(octets, keys=_dlms_keys(keys))


def _obis_text(octets: bytes, keys: KeyRing) -> Telegram:
    return decode_obis_text(octets, keys=_dlms_keys(keys))


def _dlms_keys(keys: KeyRing) -> Keys | None:
    return Keys(keys.encryption, keys.authentication or b"") if keys.encryption else None


def _modbus(octets: bytes, keys: KeyRing) -> Telegram:
    """Registers as bare numbers, counted from the first that came: no map is known."""
    return _BARE_REGISTERS[octets[7] if _over_tcp(octets) else octets[1]](octets)


def _bare(function: int) -> Callable[[bytes], Telegram]:
    count, name = (1000, "bit") if function < 3 else (125, "register")
    registers = [{"name": f"{name}_{at}", "address": at} for at in range(count)]
    layout = compile_map({"function": function, "start": 0, "registers": registers})
    return layout.decode


class _Bare(dict[int, Callable[[bytes], Telegram]]):
    """Function → decoder, compiled when it is first asked for."""

    def __missing__(self, function: int) -> Callable[[bytes], Telegram]:
        # An exception response is refused by the frame, whatever the map.
        plain = function & 0x7F
        self[function] = _bare(plain if plain in _READ_FUNCTIONS else 3)
        return self[function]


_BARE_REGISTERS = _Bare()

CANDIDATES: tuple[Candidate, ...] = (
    Candidate(
        "universal",
        _is_universal,
        lambda octets, keys: decode_universal(octets, key=keys.encryption),
    ),
    Candidate("mbus", _is_wired, lambda octets, keys: decode_mbus(octets)),
    Candidate(
        "obis_text",
        # A telegram may come ciphered, as a DLMS message.
        lambda octets: _first(octets) in (b"/", b"\x02", b"\xdb"),
        _obis_text,
    ),
    Candidate("nem", looks_like_nem, lambda octets, keys: decode_nem(octets)),
    Candidate("lorawan", may_be_uplink, lambda octets, keys: decode_uplink(octets)),
    Candidate(
        "senml",
        lambda octets: _first(octets) == b"[" or octets[0] >> 5 == 4,
        lambda octets, keys: decode_senml(octets),
    ),
    Candidate(
        "json",
        lambda octets: _first(octets) in (b"{", b"["),
        lambda octets, keys: decode_flat(octets),
    ),
    Candidate("modbus", _is_modbus, _modbus),
    Candidate(
        "wmbus", _is_wireless, lambda octets, keys: decode_wmbus(octets, key=keys.encryption)
    ),
    Candidate("cosem", _is_cosem, _cosem),
    Candidate(
        "mbus",
        lambda octets: octets[0] in _CI_FIELDS,
        lambda octets, keys: decode_application(octets),
    ),
)
