"""JSON documents (RFC 8259) read by paths (JMESPath): the kind `json` of device types."""

from .flat import decode_flat
from .layout import JsonLayout, compile_layout

__all__ = ["JsonLayout", "compile_layout", "decode_flat"]
