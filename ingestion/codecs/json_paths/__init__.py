"""JSON documents (RFC 8259) read by paths (JMESPath): the kind `json` of device types."""

from .layout import JsonLayout, compile_layout

__all__ = ["JsonLayout", "compile_layout"]
