"""What columns mean: their names, headings and the values they take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import override

from .errors import TableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.utils.functional import _StrPromise

__all__ = ["Column", "Kind", "Table", "lazy_heading", "normalised"]

Kind = Literal["text", "integer", "decimal", "date", "moment", "choice", "flag"]
_KINDS: dict[type[models.Field[Any, Any]], Kind] = {
    models.DecimalField: "decimal",
    models.DateTimeField: "moment",
    models.DateField: "date",
    models.BooleanField: "flag",
    models.IntegerField: "integer",
    models.CharField: "text",
}
_WIDTHS: dict[Kind, int] = {"integer": 9, "decimal": 14, "date": 12, "moment": 21, "flag": 9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    name: stable machine name; heading: what people read; dbf: name of at most ten letters;
    validators: of the model field, they raise ValidationError in plain words;
    needed: the table can't be read without the column.
    """

    name: str
    heading: str | _StrPromise
    dbf: str
    kind: Kind = "text"
    validators: tuple[Callable[[Any], None], ...] = ()
    choices: tuple[tuple[str, str | _StrPromise], ...] = ()
    digits: int = 0
    decimals: int = 0
    needed: bool = False
    example: str = ""

    @classmethod
    def of(cls, model: type[models.Model], field_name: str, **options: Any) -> Column:
        """The column of a model's field: kind, choices and validators are the field's own."""
        field: Any = model._meta.get_field(field_name)
        kind = next(kind for base, kind in _KINDS.items() if isinstance(field, base))
        known: dict[str, Any] = {
            "name": field_name,
            "heading": field.verbose_name,
            "kind": "choice" if field.choices else kind,
            "choices": tuple(field.choices or ()),
            "validators": tuple(field.validators),
            "digits": getattr(field, "max_digits", None) or 0,
            "decimals": getattr(field, "decimal_places", None) or 0,
        }
        return cls(**{**known, **options})

    @property
    def is_text(self) -> bool:
        """Whether a cell may hold any text, and so something a spreadsheet would execute."""
        return self.kind in {"text", "choice"}

    @property
    def width(self) -> int:
        """Of the column on a screen, in letters."""
        return _WIDTHS.get(self.kind, 18)

    def within(
        self, prefix: str, of: str | _StrPromise, *, dbf: str = "", **changes: Any
    ) -> Column:
        """The same column in a table of several kinds of things."""
        heading = format_lazy("{of}: {heading}", of=of, heading=self.heading)
        name = f"{prefix}_{self.name}"
        return replace(self, name=name, heading=heading, dbf=dbf or self.dbf, **changes)


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of sheet: its name in a workbook, its title, and its columns.

    secret: no report repeats what stands in it, whichever column that was put into.
    """

    name: str
    title: str | _StrPromise
    columns: tuple[Column, ...]
    secret: bool = False

    def match(self, headers: Sequence[str]) -> dict[int, Column]:
        """Position → column. Raises TableFileError for unknown, repeated or missing columns."""
        try:
            return self._match(headers)
        except TableFileError:
            if not self.secret:
                raise
            names = _quoted(str(column.heading) for column in self.columns)
            text = _("The first row has to hold headings, and no others than these: %s.")
            # Where there are no headings, the error quotes what stands in their place.
            raise TableFileError(text % names) from None

    def _match(self, headers: Sequence[str]) -> dict[int, Column]:
        known = self._known()
        found = {
            position: known.get(normalised(header))
            for position, header in enumerate(headers)
            if header
        }
        unknown = [headers[position] for position, column in found.items() if column is None]
        if unknown:
            text = _("There is no column %s. The template shows which ones there are.")
            raise TableFileError(text % _quoted(unknown))
        matched = {position: column for position, column in found.items() if column is not None}
        _check_once(headers, matched)
        self._check_needed(matched.values())
        return matched

    def _known(self) -> dict[str, Column]:
        known: dict[str, Column] = {}
        for column in self.columns:
            for name in (column.name, column.dbf):
                known[normalised(name)] = column
        for code, _language in settings.LANGUAGES:
            with override(code):
                for column in self.columns:
                    known.setdefault(normalised(str(column.heading)), column)
        return known

    def _check_needed(self, present: Iterable[Column]) -> None:
        missing = [column for column in self.columns if column.needed and column not in present]
        if missing:
            text = _("The column %s is missing.")
            raise TableFileError(text % _quoted(str(column.heading) for column in missing))


def normalised(heading: str) -> str:
    """Headings are compared whatever their case and spaces."""
    return " ".join(heading.casefold().split())


def _check_once(headers: Sequence[str], matched: dict[int, Column]) -> None:
    seen: dict[str, int] = {}
    for position, column in matched.items():
        if column.name in seen:
            text = _("The columns %s mean the same. Keep one of them.")
            raise TableFileError(text % _quoted([headers[seen[column.name]], headers[position]]))
        seen[column.name] = position


def _quoted(names: Iterable[str]) -> str:
    shown = [f"“{name[:60]}”" for name in names]
    return ", ".join(shown[:5]) + (" …" if len(shown) > 5 else "")


def lazy_heading(make: Callable[[], str]) -> _StrPromise:
    """A heading that is put together anew in whatever language is active."""
    return format_lazy("{}", _Lazily(make))


class _Lazily:
    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def __str__(self) -> str:
        return self._make()
