"""Who speaks: the letters of a maker and the kind of a device (EN 13757-7:2018, 7.5.2 and 7.5.4)."""

from __future__ import annotations

__all__ = ["manufacturer_code", "medium_name", "status_words"]

_MEDIA = {
    0x00: "other",
    0x01: "oil",
    0x02: "electricity",
    0x03: "gas",
    0x04: "heat",
    0x05: "steam",
    0x06: "warm water",
    0x07: "water",
    0x08: "heat cost allocator",
    0x09: "compressed air",
    0x0A: "cooling (outlet)",
    0x0B: "cooling (inlet)",
    0x0C: "heat (inlet)",
    0x0D: "heat and cooling",
    0x0E: "bus or system component",
    0x0F: "unknown",
    0x10: "irrigation water",
    0x11: "water data logger",
    0x12: "gas data logger",
    0x13: "gas converter",
    0x14: "calorific value",
    0x15: "hot water",
    0x16: "cold water",
    0x17: "hot and cold water",
    0x18: "pressure",
    0x19: "A/D converter",
    0x1A: "smoke detector",
    0x1B: "room sensor",
    0x1C: "gas detector",
    0x1D: "carbon monoxide detector",
    0x1E: "heat detector",
    0x1F: "sensor",
    0x20: "breaker (electricity)",
    0x21: "valve (gas or water)",
    0x25: "customer display",
    0x28: "waste water",
    0x29: "garbage",
    0x31: "communication controller",
    0x32: "unidirectional repeater",
    0x33: "bidirectional repeater",
    0x36: "radio converter (system side)",
    0x37: "radio converter (meter side)",
    0x38: "bus converter (meter side)",
    0xFF: "any",
}

_APPLICATION = ("", "application busy", "application error", "abnormal condition")
_STATUS_BITS = ((0x04, "low power"), (0x08, "permanent error"), (0x10, "temporary error"))
_OWN_BITS = 0xE0


def manufacturer_code(number: int) -> str:
    """Three letters of five bits each; the highest bit (an address that is not unique) is left."""
    return "".join(chr((number >> shift & 0x1F) + 64) for shift in (10, 5, 0))


def medium_name(code: int) -> str:
    """The kind of device in plain words."""
    return _MEDIA.get(code, f"reserved ({code:02X}h)")


def status_words(status: int) -> str:
    """The status byte of a header in plain words; "" for all well."""
    words = [_APPLICATION[status & 3]]
    words += [word for bit, word in _STATUS_BITS if status & bit]
    if status & _OWN_BITS:
        words.append(f"maker's bits {status & _OWN_BITS:02X}h")
    return ", ".join(filter(None, words))
