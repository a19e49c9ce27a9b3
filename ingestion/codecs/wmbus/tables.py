"""Names of codes in wireless M-Bus headers."""

from __future__ import annotations

__all__ = ["CONTROL", "FROM_PARTNER"]

# C field (EN 13757-4, table of control fields): who sends what.
CONTROL = {
    0x00: "ACK",
    0x06: "CNF-IR",
    0x08: "RSP-UD",
    0x18: "RSP-UD",
    0x28: "RSP-UD",
    0x38: "RSP-UD",
    0x40: "SND-NKE",
    0x43: "SND-UD2",
    0x44: "SND-NR",
    0x45: "SND-UD3",
    0x46: "SND-IR",
    0x47: "ACC-NR",
    0x48: "ACC-DMD",
    0x53: "SND-UD",
    0x5A: "REQ-UD1",
    0x5B: "REQ-UD2",
    0x73: "SND-UD",
    0x7A: "REQ-UD1",
    0x7B: "REQ-UD2",
}
# Sent to a meter: keys are derived for the other direction.
FROM_PARTNER = frozenset({0x06, 0x40, 0x43, 0x45, 0x53, 0x5A, 0x5B, 0x73, 0x7A, 0x7B})
