"""Documents of LoRaWAN network servers: JSON around the payload that a module sent by radio."""

from .documents import LARGEST_DOCUMENT, LONGEST_PAYLOAD, may_be_uplink, read_uplink
from .uplink import JOIN, SpoiltUplink, Uplink, uplink_telegram

__all__ = [
    "JOIN",
    "LARGEST_DOCUMENT",
    "LONGEST_PAYLOAD",
    "SpoiltUplink",
    "Uplink",
    "may_be_uplink",
    "read_uplink",
    "uplink_telegram",
]
