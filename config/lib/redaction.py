"""Secrets are cut out of log lines before they are written."""

from __future__ import annotations

import logging
import re

# A name that announces a secret, and what follows it up to the next separator.
_ANNOUNCED = re.compile(
    r"""(?ix)
    (["']?(?:password|passwd|secret|token|api[_-]?key|master[_-]?key|authorization|cookie|sessionid)
    ["']?\s*[=:]\s*)
    (["']?)(?:bearer\s+|basic\s+)?[^\s"',;&)}]+\2
    """
)
_URL_PASSWORD = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)")


def redact(text: str) -> str:
    """`text` with passwords, tokens and the password part of URLs replaced by ***."""
    return _URL_PASSWORD.sub(r"\1***\2", _ANNOUNCED.sub(r"\1***", text))


class SecretsFilter(logging.Filter):
    """Redacts the finished message of every record that passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        cleaned = redact(message)
        if cleaned != message:
            record.msg, record.args = cleaned, None
        return True
