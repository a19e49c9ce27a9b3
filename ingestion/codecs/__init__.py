"""Codecs: bytes in, columns out. No Django, no sockets, no clock; checked by import-linter."""
