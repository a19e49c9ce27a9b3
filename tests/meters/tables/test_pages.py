"""The pages themselves: templates to fill in, and what they show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from config.lib.tables.formats import FORMATS
from config.lib.tables.reading import read_table

from .conftest import KINDS, Desk, complaint, report_of

if TYPE_CHECKING:
    from tests.people import World

PAGES = ["hierarchy_node", "meters_usagepoint", "meters_meter", "meters_installation"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dbf-866"])
def test_templates_are_read_back(world: World, kind: str) -> None:
    for page in PAGES:
        desk = Desk(world.city.engineer, page)
        query = f"?resource=0&format={KINDS.index(kind)}"
        data = desk.client.get(desk.url("import_template") + query).content
        [sheet] = read_table(data, kind=kind)
        assert len(sheet.rows) == 1
        answer = desk.check(data, kind=kind)
        # The example names things that are not there; its columns are all known.
        assert not report_of(answer).refusal


def test_template_of_several_sheets(world: World) -> None:
    desk = Desk(world.city.engineer)
    data = desk.client.get(desk.url("import_template") + "?resource=2&format=0").content
    names = [sheet.name for sheet in read_table(data, kind="xlsx")]
    assert names == ["nodes", "usage_points", "modules", "meters", "installations"]
    address = desk.url("import_template")
    for query in ("?resource=2&format=1", "?resource=9&format=0", "?resource=-1&format=0", "?"):
        assert desk.client.get(address + query).status_code == 404


def test_several_sheets_need_a_format_that_has_them(world: World) -> None:
    desk = Desk(world.city.engineer, resource=2)
    assert "Several sheets need" in complaint(desk.check(b"serial\n1\n"))
    form = {"resource": "2", "format": "1", "headings": "names"}
    answer = desk.client.post(desk.url("export"), form)
    assert "Several sheets need" in answer.content.decode()


def test_the_import_page(world: World) -> None:
    desk = Desk(world.city.engineer)
    html = desk.client.get(desk.url("import")).content.decode()
    for item in FORMATS:
        assert item.TITLE in html
    assert "opening:cold_water.volume.register" in html
    assert 'style="' not in html
    assert not re.search(r"<script(?![^>]*\b(src|type|nonce)=)", html)


def test_everything_sent_is_escaped(world: World) -> None:
    desk = Desk(world.city.engineer)
    evil = '<script>alert("1")</script>'
    answer = desk.check(f'serial,type\n"{evil.replace(chr(34), chr(34) * 2)}",x\n'.encode())
    assert evil not in answer.content.decode()
    refused = desk.check(f"{evil}\n1\n".replace('"', "").encode())
    assert "<script>alert" not in refused.content.decode()


def test_a_dbf_in_the_other_code_page(world: World) -> None:
    from .conftest import table

    data = bytearray(table(["serial"], ["Насос"], kind="dbf-866"))
    data[29] = 0
    [sheet] = read_table(bytes(data), kind="dbf-866")
    assert sheet.rows[0].cells == ["Насос"]
    [other] = read_table(bytes(data), kind="dbf-1251")
    assert other.rows[0].cells != ["Насос"]
