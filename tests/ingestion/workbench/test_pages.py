"""Pages and answers of the workbench: who may, what is refused, what is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity
from ingestion.models import RawFrame
from ingestion.services.device_types import (
    device_type_create,
    fingerprint,
    version_draft,
    version_publish,
)
from ingestion.workbench import answers
from ingestion.workbench.limits import Limit, one_at_a_time
from ingestion.workbench.starting import starter_text
from meters.models import DeviceTypeVersion

if TYPE_CHECKING:
    from tests.people import World

pytestmark = pytest.mark.django_db

TEXT = starter_text("binary").replace("new-binary-meter", "acme-w1")
JSON = "application/json"


@pytest.fixture
def version(world: World) -> DeviceTypeVersion:
    return device_type_create(
        actor=world.city.engineer, company=world.city.company, definition=TEXT
    )


@pytest.fixture
def engineer(world: World) -> Client:
    client = Client()
    client.force_login(world.city.engineer)
    return client


def _check(client: Client, version: DeviceTypeVersion, **asked: Any) -> Any:
    address = reverse("admin:workbench_check", args=[version.pk])
    return client.post(address, json.dumps(asked), content_type=JSON)


def test_a_check_tells_all_at_once(engineer: Client, version: DeviceTypeVersion) -> None:
    answer = _check(engineer, version, definition=TEXT, payload="00f15365 01 e8030000").json()
    assert answer["problems"] == []
    assert [test["passed"] for test in answer["tests"]] == [True, True]
    assert answer["sample"]["readings"][0]["register"] == "volume"


def test_a_telegram_that_is_none_is_said_beside_it(
    engineer: Client, version: DeviceTypeVersion
) -> None:
    answer = _check(engineer, version, definition=TEXT, payload="zz", encoding="hex").json()
    assert "no hexadecimal" in answer["sample_fault"]
    assert answer["tests"]


@pytest.mark.parametrize("body", ["", "[", "[1]", '"x"', "[" * 100_000])
def test_strange_questions_are_refused(
    engineer: Client, version: DeviceTypeVersion, body: str
) -> None:
    for name, keys in (("check", [version.pk]), ("words", [])):
        address = reverse(f"admin:workbench_{name}", args=keys)
        answer = engineer.post(address, body, content_type=JSON)
        assert answer.status_code == 400
        assert answer.json()["refused"]


@pytest.mark.parametrize("asked", [{}, {"definition": 7, "payload": []}, {"payload": {"a": 1}}])
def test_odd_values_count_as_nothing(
    engineer: Client, version: DeviceTypeVersion, asked: dict[str, Any]
) -> None:
    answer = _check(engineer, version, **asked)
    assert answer.status_code == 200
    assert answer.json()["problems"]


def test_too_much_is_refused(engineer: Client, version: DeviceTypeVersion) -> None:
    answer = _check(engineer, version, definition="#" * 1_500_000)
    assert answer.status_code == 413


def test_too_often_is_refused_with_the_time_to_wait(
    engineer: Client, version: DeviceTypeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "QUESTIONS", Limit("questions", 2))
    codes = [_check(engineer, version, definition="").status_code for _ in range(4)]
    # The minute may change once in between.
    assert 429 in codes[2:]
    assert codes[:2] == [200, 200]
    refused = _check(engineer, version, definition="")
    if refused.status_code == 429:
        assert 0 < int(refused["Retry-After"]) <= 60


def test_questions_of_one_person_are_answered_one_after_the_other(
    world: World, engineer: Client, version: DeviceTypeVersion
) -> None:
    with one_at_a_time(world.city.engineer) as free:
        assert free
        assert _check(engineer, version, definition="").status_code == 429
        with one_at_a_time(world.city.administrator) as others:
            assert others
    assert _check(engineer, version, definition="").status_code == 200


def test_words_are_offered_where_one_writes(engineer: Client) -> None:
    def words(before: str) -> tuple[set[str], set[str]]:
        address = reverse("admin:workbench_words")
        told = engineer.post(address, json.dumps({"before": before}), content_type=JSON).json()
        return {row["word"] for row in told["keys"]}, {row["word"] for row in told["words"]}

    assert {"type", "readings", "tests"} <= words("")[0]
    assert "cold_water" in words("resource: ")[1]
    assert "spread" in words("readings:\n  - {register: a, ")[0]
    assert "endian" in words("decode:\n  kind: binary\n  ")[0]
    assert "lookup" in words("decode:\n  kind: binary\n  fields:\n    - {name: a, ")[0]


def test_frames_of_devices_one_may_see(world: World, engineer: Client) -> None:
    for number, tenant in enumerate((world.city, world.hill), 1):
        RawFrame.objects.create(
            id=number,
            received_at=timezone.now(),
            module=tenant.module,
            transport=1,
            outcome=3,
            source="10.0.0.1",
            payload=bytes([number] * 4),
            reason="no decoder",
        )
    told = engineer.get(reverse("admin:workbench_frames")).json()["frames"]
    assert [(row["hex"], row["why"]) for row in told] == [("01010101", "no decoder")]


def test_a_capture_gives_its_frames(engineer: Client) -> None:
    address = reverse("admin:workbench_capture")
    upload = SimpleUploadedFile("frames.txt", b"# two\n0102\n0304\n")
    told = engineer.post(address, {"file": upload}).json()
    assert [row["hex"] for row in told["frames"]] == ["0102", "0304"]
    assert engineer.post(address).status_code == 400
    empty = SimpleUploadedFile("frames.txt", b"# none\n")
    assert engineer.post(address, {"file": empty}).status_code == 422


def test_saving_and_publishing(world: World, engineer: Client, version: DeviceTypeVersion) -> None:
    changed = TEXT.replace("vendor: Maker", "vendor: Acme")
    save = reverse("admin:workbench_save", args=[version.pk])
    base = fingerprint(TEXT)
    told = engineer.post(save, {"definition": changed, "base": base}).json()
    assert told["base"] == fingerprint(changed)
    assert engineer.post(save, {"definition": TEXT, "base": base}).status_code == 409
    change = reverse("admin:workbench_change", args=[version.pk])
    asked = {"do": "publish", "why": "lot 7", "definition": changed, "base": told["base"]}
    page = engineer.post(change, asked, follow=True)
    assert "is published" in page.content.decode()
    version.refresh_from_db()
    assert (version.status, version.comment) == ("published", "lot 7")


def test_why_it_is_not_published_is_said(engineer: Client, version: DeviceTypeVersion) -> None:
    change = reverse("admin:workbench_change", args=[version.pk])
    broken = TEXT.replace("value: 1.000", "value: 2")
    asked = {"do": "publish", "why": "x", "definition": broken, "base": fingerprint(TEXT)}
    page = engineer.post(change, asked, follow=True).content.decode()
    assert "The test “made by hand” fails." in page
    version.refresh_from_db()
    # What was written is not lost by it.
    assert version.definition == broken
    assert version.status == "draft"


def test_from_a_published_version_to_drafts_and_back(
    world: World, engineer: Client, version: DeviceTypeVersion
) -> None:
    version_publish(actor=world.city.engineer, version=version, why="first")
    change = reverse("admin:workbench_change", args=[version.pk])
    engineer.post(change, {"do": "draft"})
    draft = DeviceTypeVersion.objects.get(device_type=version.device_type, number=2)
    version_publish(actor=world.city.engineer, version=draft, why="second")
    engineer.post(change, {"do": "roll_back", "why": "worse"})
    third = DeviceTypeVersion.objects.get(device_type=version.device_type, number=3)
    assert third.status == "published"
    compare = reverse("admin:workbench_compare", args=[draft.pk])
    page = engineer.get(compare).content.decode()
    assert "version: <del>1</del>" in page and "version: <ins>2</ins>" in page
    assert engineer.get(f"{compare}?with={third.pk}").context["other"] == third
    engineer.post(reverse("admin:workbench_copy", args=[version.pk]))
    assert DeviceTypeVersion.objects.filter(device_type__code="acme-w1-copy").exists()


def test_an_export_leaves_a_trace(
    world: World, engineer: Client, version: DeviceTypeVersion
) -> None:
    answer = engineer.get(reverse("admin:workbench_export", args=[version.pk]))
    assert answer.content.decode() == TEXT
    assert 'filename="acme-w1-v1.yaml"' in answer["Content-Disposition"]
    assert Activity.objects.filter(user=world.city.engineer, kind="export").count() == 1


START = "admin:workbench_start"


def _begun(client: Client, **asked: Any) -> DeviceTypeVersion:
    answer = client.post(reverse(START), asked)
    assert answer.status_code == 302, answer.context["form"].errors
    return DeviceTypeVersion.objects.latest("pk")


def test_ways_to_begin(engineer: Client) -> None:
    made = _begun(engineer, way="template", kind="mbus", code="Acme Heat 3")
    assert made.device_type.code == "acme-heat-3"
    made = _begun(engineer, way="payload", payload='{"volume": 1.5}', code="acme-j")
    assert "kind: json" in made.definition
    exported = SimpleUploadedFile("x.yaml", TEXT.encode())
    assert _begun(engineer, way="import", file=exported).definition == TEXT
    schema = b"name: Probe 9\nfields:\n  - {name: level, type: u16}\n"
    made = _begun(engineer, way="import", file=SimpleUploadedFile("probe.yaml", schema))
    assert made.device_type.code == "probe-9"
    assert "kind: binary" in made.definition


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"way": "import", "table": "a,b\n1,2\n"}, "No row with headings"),
        ({"way": "import", "table": "function f(b) { return b; }"}, "This is a program"),
        ({"way": "import", "table": "x", "endian": "middle"}, "middle"),
        ({"way": "import", "table": "Byte,Name\n0,=1+1\n"}, "No line of the table"),
        ({"way": "import", "table": "x" * 262_145}, "262144"),
        ({"way": "import", "file": SimpleUploadedFile("x.xlsx", b"PK\x03\x04")}, "workbook"),
        ({"way": "import", "file": SimpleUploadedFile("x", b"#" * 262_145)}, "larger than 256 kB"),
        ({"way": "payload", "payload": ""}, "Paste a telegram"),
        ({"way": "payload", "payload": "0x", "encoding": "hex", "key": "ab"}, ""),
        ({"way": "payload", "payload": "0102", "key": "zz"}, "A key has"),
        ({"way": "import"}, "Choose a file"),
        ({"way": "import", "file": SimpleUploadedFile("x", b"\xff\xfe")}, "no text in UTF-8"),
        ({"way": "import", "file": SimpleUploadedFile("x", b"a: [")}, "no YAML"),
        ({"way": "other"}, ""),
    ],
)
def test_what_can_not_begin_is_said(engineer: Client, asked: dict[str, Any], why: str) -> None:
    answer = engineer.post(reverse(START), asked)
    assert answer.status_code == 422
    assert why in answer.content.decode()


TABLE = "Byte;Name;Type;Scale;Unit\n0-3;Volume;uint32;0.001;m3\n4;Odd;frob;;\n5;Level;u8;;%\n"


def test_a_table_becomes_a_draft_and_its_odd_lines_are_told(engineer: Client) -> None:
    asked = {"way": "import", "table": TABLE, "resource": "gas", "endian": "little"}
    page = engineer.post(reverse(START), {**asked, "code": "acme-g4"}, follow=True)
    told = [str(message) for message in page.context["messages"]]
    assert told[0] == "Not in the draft. Line 3: the type “frob” is not known"
    made = DeviceTypeVersion.objects.latest("pk")
    assert made.device_type.code == "acme-g4"
    assert made.device_type.resource == "gas"
    assert "reading_type: gas.volume.register" in made.definition
    assert "endian: little" in made.definition


def test_what_a_table_says_is_text_on_the_page(engineer: Client) -> None:
    table = "Byte;Name;Type\n0;<img src=x>;u8\n1;Odd;<script>alert(1)</script>\n"
    page = engineer.post(reverse(START), {"way": "import", "table": table}, follow=True)
    assert "<script>alert" not in page.content.decode()
    assert "<img src=x>" not in page.content.decode()
    assert "&lt;script&gt;alert(1)" in page.content.decode()


def test_versions_are_listed_without_their_texts(
    world: World, engineer: Client, version: DeviceTypeVersion
) -> None:
    address = reverse("admin:workbench_compare", args=[version.pk])
    counts = []
    for _round in range(3):
        for _number in range(3):
            version_draft(actor=world.city.engineer, version=version)
        with CaptureQueriesContext(connection) as queries:
            engineer.get(address)
        counts.append(len(queries))
    # The first page of a session asks more.
    assert counts[1] == counts[2]


def test_a_table_in_a_file_is_named_by_it(engineer: Client) -> None:
    upload = SimpleUploadedFile("Acme G6.csv", TABLE.encode("cp1251"))
    made = _begun(engineer, way="import", file=upload)
    assert made.device_type.code == "acme-g6"


def test_what_was_pasted_is_still_there_when_it_is_refused(engineer: Client) -> None:
    asked = {"way": "import", "table": "<b>,c\n1,2\n", "resource": "gas"}
    page = engineer.post(reverse(START), asked).content.decode()
    assert "&lt;b&gt;,c" in page
    assert '<option value="gas" selected>' in page


def test_a_reader_tries_telegrams_but_changes_nothing(
    world: World, version: DeviceTypeVersion
) -> None:
    client = Client()
    client.force_login(world.city.auditor)
    page = client.get(reverse("admin:workbench_version", args=[version.pk])).content.decode()
    assert "data-editable" not in page
    assert _check(client, version, definition=TEXT).status_code == 200
    for name in ("save", "change", "copy"):
        answer = client.post(reverse(f"admin:workbench_{name}", args=[version.pk]))
        assert answer.status_code == 403, name
    assert client.get(reverse(START)).status_code == 403


def test_types_of_another_company_are_not_there(world: World, version: DeviceTypeVersion) -> None:
    client = Client()
    client.force_login(world.hill.engineer)
    assert _check(client, version, definition=TEXT).status_code == 404
    for name in ("version", "compare", "export"):
        answer = client.get(reverse(f"admin:workbench_{name}", args=[version.pk]))
        assert answer.status_code == 404, name
