"""Files sent through the pages of the administration, as people send them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from config.lib.tables.columns import Column
from config.lib.tables.formats import FORMATS
from config.lib.tables.reading import read_table
from config.lib.tables.writing import SheetToWrite

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KINDS = [item.KIND for item in FORMATS]


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_FOLDER = tmp_path / "imports"


class Desk:
    """Somebody at the import and export pages of one model ("meters_meter", resource index)."""

    def __init__(self, user: Any, model: str = "meters_meter", resource: int = 0) -> None:
        self.client = Client()
        self.client.force_login(user)
        self.model, self.resource = model, resource

    def url(self, page: str) -> str:
        return reverse(f"admin:{self.model}_{page}")

    def check(self, data: bytes, *, kind: str = "csv", **more: Any) -> Any:
        """Upload a file; the answer shows what would happen."""
        chosen = KINDS.index(kind)
        name = more.pop("name", f"table.{FORMATS[chosen].EXTENSION}")
        file = SimpleUploadedFile(name, data)
        values = {"resource": str(self.resource), "format": str(chosen), "import_file": file}
        return self.client.post(self.url("import"), {**values, **more})

    def confirm(self, answer: Any) -> Any:
        token = answer.context_data["confirm_form"].initial["token"]
        return self.client.post(self.url("process_import"), {"token": token})

    def bring_in(self, data: bytes, *, kind: str = "csv", **more: Any) -> Any:
        """Upload and confirm; returns the report of the check, which must be clean."""
        answer = self.check(data, kind=kind, **more)
        report = report_of(answer)
        assert report.clean, (report.refusal, report.problems[:5])
        assert self.confirm(answer).status_code == 302
        return report

    def take_out(self, *, kind: str = "csv", headings: str = "names", **more: Any) -> bytes:
        values = {"resource": str(self.resource), "format": str(KINDS.index(kind))}
        answer = self.client.post(self.url("export"), {**values, "headings": headings, **more})
        assert answer.status_code == 200, answer
        assert answer.has_header("Content-Disposition"), answer.context_data["form"].errors
        return b"".join(answer.streaming_content)


def report_of(answer: Any) -> Any:
    """What the page shows of a checked file."""
    assert answer.status_code == 200
    assert "report" in answer.context_data, answer.context_data["form"].errors
    return answer.context_data["report"]


def complaint(answer: Any) -> str:
    """The one line of a page that refuses a file."""
    assert answer.status_code == 200
    report = answer.context_data.get("report")
    if report is not None:
        assert report.refusal, report.problems[:3]
        return str(report.refusal)
    [[message]] = answer.context_data["form"].errors.values()
    return str(message)


def table(headers: list[str], *rows: list[Any], kind: str = "csv", title: str = "t") -> bytes:
    """A file with these cells, all of them text."""
    return book({title: [headers, *rows]}, kind=kind)


def book(sheets: dict[str, list[list[Any]]], *, kind: str = "xlsx") -> bytes:
    """A file of several sheets; the first row of each holds the headings."""
    target = io.BytesIO()
    made = []
    for title, (headers, *rows) in sheets.items():
        columns = [
            Column(name=name, heading=name, dbf=f"C{index}") for index, name in enumerate(headers)
        ]
        made.append(SheetToWrite(title, columns, headers, rows))
    FORMATS[KINDS.index(kind)]().write(target, made)
    return target.getvalue()


def rows_of(data: bytes, *, kind: str = "csv") -> list[dict[str, str]]:
    """Cells of the first sheet by heading."""
    [sheet, *_others] = read_table(data, kind=kind)
    return [dict(zip(sheet.headers, row.cells, strict=False)) for row in sheet.rows]


def messages_of(report: Any) -> list[tuple[int, str, str]]:
    """(row, column, what is wrong) of every problem."""
    return [(problem.row, problem.column, problem.message) for problem in report.problems]


def wide(rows: Iterable[dict[str, Any]]) -> bytes:
    """A wide sheet as CSV from dictionaries."""
    listed = list(rows)
    headers = list(dict.fromkeys(name for row in listed for name in row))
    return table(headers, *[[str(row.get(name, "")) for name in headers] for row in listed])
