"""What the columns of a table are called, in the words of makers → what they mean here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .grid import Row

__all__ = ["Entry", "Table", "table_of"]

_MOST_TITLE_ROWS = 40

# Meaning of a column → what its heading looks like, the particular before the general. `byte` may be
# the place or the size, `type` a form on the wire or a number on it: the neighbours tell.
_HEADINGS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (meaning, re.compile(pattern))
    for meaning, pattern in (
        ("type_hex", r"hex( (id|code|type))?|type hex"),
        ("type_id", r"type (id|code|no|number)|data ?type (id|code)|lpp( type)?|id типу"),
        ("channel", r"channel( (id|no|number|#))?|ch|chan|канал|номер каналу"),
        ("function", r"function( code)?|fc|register type|func|код функції|функція"),
        (
            "words",
            r"(no of |number of |# of )?(registers|words|regs)|quantity|objects ?count|"
            r"(length|size) (words|registers)|кількість регістрів",
        ),
        (
            "register",
            r"(modbus |start |starting |register )?(register|address|adress|addr|reg)"
            r"( (no|number|address|addr|register|dec|hex|start|offset))?|adresse|registeradresse|адреса( регістра)?|регістр",
        ),
        ("path", r"(json ?)?path|json ?(key|pointer)|jsonpath|шлях"),
        ("order", r"endian(ness)?|byte order|(word|octet) order|order|порядок( байтів)?"),
        ("sign", r"signed|sign|signed unsigned|знак"),
        ("divider", r"divid[eo]r|divisor|div|дільник"),
        (
            "scale",
            r"(data )?resolution( per bit)?|scale( factor)?|scaling|factor|multiplier|mult|"
            r"gain|lsb|step|coefficient|conversion|formula|ratio|weight|faktor|auflösung|множник|"
            r"коефіцієнт|дискретність|роздільна здатність",
        ),
        ("add", r"bias|addend|add|value offset|зміщення значення"),
        (
            "unit",
            r"units?( of measure(ment)?)?|uom|eng(ineering)? units?|одиниц[яі]( виміру| "
            r"вимірювання)?|од|од вим|розмірність|einheit",
        ),
        ("bit", r"bits?( (no|number|position|pos|range))?|біти?"),
        (
            "size",
            r"(data )?(size|length|len)( (in )?(bytes?|octets?))?|(no|number) of bytes|"
            r"bytes? count|länge( byte)?|довжина|розмір|кількість байтів?",
        ),
        (
            "place",
            r"(byte |octet )?(offset|position|pos)( (in )?(bytes?|octets?|dec|hex))?|"
            r"(byte|octet) (index|start|range|no|number|#)|start( byte)?|зсув|зміщення|"
            r"позиція|номер байта|№ байта",
        ),
        ("byte", r"bytes?|octets?|байти?"),
        (
            "name",
            r"(field|parameter|signal|variable|value|item|object|tag|data|measurement|point|"
            r"register|key)? ?(name|label)|field|parameter|item|value|signal|variable|tag|key|"
            r"measurement|data|content|bezeichnung|messwert|назва|ім.я|параметр|поле|величина|найменування",
        ),
        (
            "type",
            r"(data )?(type|format)|datatype|data ?type|encoding|datentyp|typ|тип( даних)?|формат",
        ),
        (
            "text",
            r"description|comments?|notes?|remarks?|meaning|details?|explanation|bemerkung|beschreibung|опис|"
            r"примітк[аи]|коментар",
        ),
    )
)

_PLACES = frozenset(
    {"place", "byte", "size", "type", "type_id", "type_hex", "register", "path", "channel", "bit"}
)


class Entry(NamedTuple):
    """A row below the headings: meaning of the column → what stands there."""

    number: int
    cells: Mapping[str, str]

    def get(self, meaning: str) -> str:
        return self.cells.get(meaning, "")


class Table(NamedTuple):
    """`title`: what stands above the headings; `heading`: the number of their line."""

    title: str
    heading: int
    columns: frozenset[str]
    entries: list[Entry]


def table_of(rows: list[Row]) -> Table | None:
    """None where no row looks like headings."""
    found = _with_headings(rows) or _with_headings(_turned(rows))
    return _told_apart(found) if found else None


def _with_headings(rows: list[Row]) -> Table | None:
    for at, row in enumerate(rows[:_MOST_TITLE_ROWS]):
        meanings = list(_meanings(row.cells))
        if _is_heading(meanings):
            title = " ".join(cell for above in rows[:at] for cell in above.cells if cell)
            entries = [_entry(below, meanings) for below in rows[at + 1 :]]
            used = frozenset(meaning for meaning in meanings if meaning)
            return Table(title, row.number, used, entries)
    return None


def _meanings(cells: tuple[str, ...]) -> Iterator[str]:
    """Each meaning once: the first column of it counts."""
    taken: set[str] = set()
    for cell in cells:
        meaning = _meaning(cell, taken)
        taken.add(meaning)
        yield meaning


def _meaning(cell: str, taken: set[str]) -> str:
    words = re.sub(r"[^\w#№]+", " ", cell.lower()).strip()
    for meaning, pattern in _HEADINGS:
        if pattern.fullmatch(words):
            if meaning not in taken:
                return meaning
            if meaning == "type" and "form" not in taken:
                return "form"  # Channel, Type, Data type
    return ""


def _is_heading(meanings: list[str]) -> bool:
    known = {meaning for meaning in meanings if meaning}
    named = known & {"name", "text", "path"} or {"type", "type_hex"} <= known
    return len(known) >= 2 and bool(named) and bool(known & _PLACES)


def _entry(row: Row, meanings: list[str]) -> Entry:
    pairs = zip(meanings, row.cells, strict=False)
    return Entry(row.number, {meaning: cell for meaning, cell in pairs if meaning})


def _turned(rows: list[Row]) -> list[Row]:
    """Tables that run from left to right, as some makers print them: Size | 2 | 4 | 1."""
    kept = [row for row in rows if len(row.cells) > 1]
    width = max((len(row.cells) for row in kept), default=0)
    if not 2 <= len(kept) <= 8:
        return []
    columns = [
        tuple(row.cells[at] if at < len(row.cells) else "" for row in kept) for at in range(width)
    ]
    return [Row(kept[0].number, cells) for cells in columns if any(cells)]


def _told_apart(table: Table) -> Table:
    """Headings that may mean two things, by what else there is."""
    columns, names = table.columns, dict[str, str]()
    if "byte" in columns:
        names["byte"] = _byte_means(table)
    if "type" in columns and "channel" in columns and not columns & {"type_id", "type_hex"}:
        names["type"] = "type_id"
    if "form" in columns:
        names |= {"type": names.get("type", ""), "form": "type"}
    if "type" in columns and "name" not in columns and columns & {"type_id", "type_hex"}:
        names["type"] = "name"  # Cayenne LPP calls its quantities types
    if names.get("byte") == "place" and "place" in columns:
        names["place"] = "add"  # Byte | Scale | Offset
    if "register" in columns and columns & {"byte", "place"} and "function" not in columns:
        names["register"] = ""
    return _renamed(table, names)


def _byte_means(table: Table) -> str:
    if "size" in table.columns:
        return "place"
    if "channel" in table.columns or ("place" in table.columns and _is_place(table, "place")):
        return "size"
    return "place" if _is_place(table, "byte") else "size"


def _is_place(table: Table, meaning: str) -> bool:
    """Whether its cells are places: ranges, or whole numbers that only go up."""
    cells = [entry.get(meaning) for entry in table.entries if entry.get(meaning)]
    if any(re.search(r"\d\s*(-|–|\.|…|to|:|\[|bit)\s*\d", cell) for cell in cells):
        return True
    starts = [int(found[0]) for cell in cells if (found := re.match(r"\d{1,5}", cell))]
    rising = all(one <= other for one, other in zip(starts, starts[1:], strict=False))
    return len(starts) == len(cells) and rising and (starts[:1] == [0] or len(set(starts)) > 3)


def _renamed(table: Table, names: dict[str, str]) -> Table:
    if not names:
        return table
    entries = [
        Entry(
            one.number, {names.get(meaning, meaning): cell for meaning, cell in one.cells.items()}
        )
        for one in table.entries
    ]
    columns = frozenset(names.get(meaning, meaning) for meaning in table.columns)
    return Table(table.title, table.heading, columns, entries)
