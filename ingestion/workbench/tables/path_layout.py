"""Names of values with their places in a JSON document → a layout of the kind `json`."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from ..meanings import IDENTITIES
from .describing import Told, UnclearError, told_by
from .drafting import Draft, Wishes, flow
from .headings import Table
from .meanings import is_clock

__all__ = ["Located", "jmespath_of", "path_draft", "path_lines"]

_LONGEST = 200
_STEP = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)|\[(\d{1,3})\]|\[?(['\"])([^'\"\[\]]{1,80})\3\]?|([^.\[\]'\"]{1,80})"
)
_TYPES = {"u": "decimal", "s": "decimal", "f": "decimal", "bool": "boolean", "ascii": "text"}


class Located(NamedTuple):
    """`path`: JMESPath of the value."""

    told: Told
    path: str


def path_draft(table: Table, wishes: Wishes) -> Draft:
    """A draft of the kind `json`. What is not understood is noted with its line."""
    draft = Draft("json", wishes)
    found: list[Located] = []
    for entry in table.entries:
        cells = {"name": entry.get("path"), **{k: v for k, v in entry.cells.items() if v}}
        try:
            told = told_by(entry._replace(cells=cells), draft)
            found.append(Located(told, jmespath_of(entry.get("path"))))
        except UnclearError as error:
            draft.note(entry.number, str(error))
    path_lines(draft, found, title=table.title)
    return draft


def path_lines(draft: Draft, found: list[Located], *, title: str = "") -> None:
    """Fills the draft's layout, readings and clock from values that were understood."""
    draft.speaks_of(title, [one.told for one in found])
    if not draft.identify:
        draft.identify = ["transport: [mqtt, http]", "device: $arrival.device"]
    draft.layout.append("fields:")
    for one in found:
        draft.layout.append(f"  - {_line(one, draft)}")


def _line(one: Located, draft: Draft) -> str:
    told = one.told
    name = draft.name_for(told.label)
    keys: dict[str, Any] = {"name": name, "path": one.path}
    if is_clock(told.label) and not draft.clock:
        draft.clock = f"${name}"
        text = _("its time is taken as seconds since 1970: `time: iso` and `unix_ms` are others")
        draft.note(told.line, text, lost=False)
        return flow({**keys, "time": "unix"})
    letter = told.form.letter if told.form else ""
    if letter in {"bool", "ascii"}:
        draft.tell(told.label, name) if letter == "bool" else None
        return flow({**keys, "type": _TYPES[letter]})
    if one.path.rpartition(".")[2].lower().replace("_", "") in IDENTITIES and not told.unit:
        return flow(keys)
    scaling = {key: value for key, value in told.scaling("mul").items() if _ends(key, value)}
    draft.read(told.label, told.unit, f"value: ${name}", line=told.line)
    kind = _TYPES.get(letter)
    return flow({**keys, "type": kind, "unit": told.unit, **scaling})


def _ends(key: str, value: Decimal) -> bool:
    """A quotient that does not come to an end is none here."""
    return key != "div" or (1 / value) * value == 1


def jmespath_of(text: str) -> str:
    """`$.sensor['temp']`, `sensor.temp`, `/sensor/temp` → JMESPath. UnclearError for what is more
    than names and indexes."""
    plain = text.strip()[: _LONGEST + 1]
    if plain.startswith("/"):
        plain = plain[1:].replace("/", ".")
    plain = plain.removeprefix("$").removeprefix(".")
    steps: list[str] = []
    at = 0
    while at < len(plain):
        found = _STEP.match(plain, at)
        if found is None or len(plain) > _LONGEST:
            break
        steps.append(_written(found, first=not steps))
        at = found.end()
        if plain[at : at + 1] == "." and at + 1 < len(plain):
            at += 1
    if at < len(plain) or not steps:
        raise UnclearError(_("“%(text)s” is no path of names and indexes") % {"text": text[:40]})
    return "".join(steps)


def _written(found: re.Match[str], *, first: bool) -> str:
    if found[2]:
        return f"[{found[2]}]"
    name = found[1] or json.dumps(found[4] or found[5].strip(), ensure_ascii=False)
    return name if first else f".{name}"
