"""Text that a spreadsheet would take for a formula, made harmless and restored exactly.

A text of any number of apostrophes and then one of the characters below gets one apostrophe more;
reading takes one away again. Other texts are left as they are, so the pair is exact both ways.
See OWASP, "CSV Injection"; the full-width forms count in some locales of spreadsheets.
"""

from __future__ import annotations

import re

__all__ = ["neutralised", "restored"]

_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def neutralised(text: str) -> str:
    """`text` as it may stand in a CSV, XLSX or XLS file."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def restored(text: str) -> str:
    """What `neutralised` was given."""
    return text[1:] if text[:1] == "'" and _DANGEROUS.match(text) else text
