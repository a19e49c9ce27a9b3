"""The same 24 hourly water readings in other formats, built and counted.

What is compared: device id, register, time of the first interval, interval, the register at its
start, 24 increments. JSON and SenML get the 25 bytes of header and tag that this protocol adds,
so that all are authenticated; DLMS brings its own security (suite 0).
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import cbor2

from ingestion.codecs.universal import encode

from .vectors_good import DAY, GOOD, WATER

__all__ = ["distribution", "entropy_bytes", "sizes"]

_SECURITY = 25
_LABEL, _OPENING = "RDO-0000001234", 123_456_789
# One hour of a household, in litres: nothing in 2 of 5 hours, else geometric with mean 20,
# cut at the 127 that 7 bits hold.
_ZERO, _MEAN, _LARGEST = 0.4, 20.0, 127


def distribution() -> list[float]:
    """Probability of 0, 1, 2 … litres in an hour."""
    ratio = 1 - 1 / _MEAN
    weights = [ratio**value for value in range(_LARGEST)]
    return [_ZERO, *((1 - _ZERO) * weight / sum(weights) for weight in weights)]


def entropy_bytes() -> float:
    """Of 24 independent values of the distribution: the least that any code needs on average."""
    return 24 * -sum(share * math.log2(share) for share in distribution()) / 8


def sizes() -> list[tuple[str, int, int]]:
    """(name, bytes of payload, bytes with authentication), this protocol first."""
    plain = len(encode(GOOD[0].messages))
    own = [("this protocol", plain, plain + _SECURITY)]
    others = [
        ("SenML in CBOR, increments", _senml()),
        ("JSON, one array of increments", _json_array()),
        ("JSON, one object a reading", _json_objects()),
    ]
    dlms = [
        ("DLMS push, compact array of increments", _compact_array()),
        ("DLMS push, array of (time, status, register)", _profile_buffer()),
    ]
    return [
        *own,
        *((name, len(apdu), len(_ciphered(apdu))) for name, apdu in dlms),
        *((name, len(payload), len(payload) + _SECURITY) for name, payload in others),
    ]


def _registers() -> list[int]:
    total, rows = _OPENING, []
    for value in WATER:
        total += value
        rows.append(total)
    return rows


def _compact_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _json_array() -> bytes:
    return _compact_json(
        {
            "id": _LABEL,
            "reg": 0,
            "start": "2026-01-01T00:00:00Z",
            "interval": 60,
            "opening": _OPENING,
            "values": WATER,
        }
    )


def _json_objects() -> bytes:
    times = [datetime.fromtimestamp(DAY + 3600 * hour, UTC) for hour in range(1, 25)]
    readings = [
        {"time": f"{time:%Y-%m-%dT%H:%M:%SZ}", "value": value}
        for time, value in zip(times, _registers(), strict=True)
    ]
    return _compact_json({"id": _LABEL, "readings": readings})


def _senml() -> bytes:
    """RFC 8428, labels of its table 6: bn −2, bt −3, bu −4, n 0, v 2, t 6."""
    first = {-2: f"{_LABEL}:0", -3: DAY, -4: "l", 2: _OPENING}
    rest = [{6: 3600 * (hour + 1), 2: value} for hour, value in enumerate(WATER)]
    return cbor2.dumps([first, *rest])


def _date_time() -> bytes:
    """COSEM date-time (IEC 62056-6-2): 2026-01-01, a Thursday, 00:00:00.00, deviation 0."""
    return bytes.fromhex("07ea 01 01 04 00 00 00 00 0000 00")


def _notification(body: bytes) -> bytes:
    """Data-Notification (tag 15), long invoke id, no date-time; structure of name, clock, body."""
    name = b"\x09\x10" + _LABEL.encode().ljust(16, b"\0")
    clock = b"\x09\x0c" + _date_time()
    return b"\x0f" + bytes.fromhex("40000001") + b"\x00" + b"\x02\x03" + name + clock + body


def _profile_buffer() -> bytes:
    """Array of structures; time is null-data after the first entry, as profiles are compressed."""
    entries = [
        b"\x02\x03"
        + (b"\x00" if place else b"\x09\x0c" + _date_time())
        + b"\x11\x00"
        + b"\x06"
        + value.to_bytes(4, "big")
        for place, value in enumerate(_registers())
    ]
    return _notification(b"\x01" + bytes([len(entries)]) + b"".join(entries))


def _compact_array() -> bytes:
    """Opening register, then a compact array (tag 19) of long-unsigned."""
    contents = b"".join(value.to_bytes(2, "big") for value in WATER)
    compact = b"\x13\x12" + bytes([len(contents)]) + contents
    return _notification(b"\x02\x02" + b"\x06" + _OPENING.to_bytes(4, "big") + compact)


def _ciphered(apdu: bytes) -> bytes:
    """General-glo-ciphering in the UDP wrapper: what authentication and encryption add."""
    secured = bytes([0x30]) + bytes(4) + apdu + bytes(12)
    length = bytes([len(secured)]) if len(secured) < 128 else _long_length(len(secured))
    return bytes(8) + b"\xdb\x08" + bytes(8) + length + secured


def _long_length(length: int) -> bytes:
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big")
