"""What somebody of one company never gets from another by the workbench, and hostile questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ingestion.models import RawFrame
from ingestion.services import device_types
from ingestion.services.device_types import device_type_create, version_publish
from ingestion.workbench import answers, checking, pages
from ingestion.workbench.checking import checked
from ingestion.workbench.limits import Limit
from ingestion.workbench.samples import sample_of
from ingestion.workbench.starting import starter_text
from meters.errors import MetersError
from meters.models import DeviceType, DeviceTypeVersion

if TYPE_CHECKING:
    from tests.people import World

pytestmark = pytest.mark.django_db

KEY = "00112233445566778899aabbccddeeff"
TEXT = starter_text("binary").replace("new-binary-meter", "acme-w1")
SECRET = TEXT.replace("  - name: made by hand\n", f"  - name: CANARYHILL\n    key: '{KEY}'\n")
JSON = "application/json"
GETS = ("version", "compare", "export")
POSTS = ("check", "save", "change", "copy")


@pytest.fixture
def theirs(world: World) -> DeviceTypeVersion:
    """A type of the other company, with a key in one of its tests."""
    return device_type_create(
        actor=world.hill.engineer, company=world.hill.company, definition=SECRET
    )


@pytest.fixture
def own(world: World) -> DeviceTypeVersion:
    return device_type_create(
        actor=world.city.engineer, company=world.city.company, definition=TEXT
    )


@pytest.fixture(params=["engineer", "administrator", "auditor"])
def client(request: pytest.FixtureRequest, world: World) -> Client:
    client = Client()
    client.force_login(world.city.people[request.param])
    return client


def _address(name: str, version: DeviceTypeVersion) -> str:
    return reverse(f"admin:workbench_{name}", args=[version.pk])


def test_no_page_and_no_deed_reaches_a_type_of_another_company(
    client: Client, theirs: DeviceTypeVersion
) -> None:
    asked = {"definition": "x", "base": "", "do": "publish", "why": "mine"}
    told = [client.get(_address(name, theirs)) for name in GETS]
    told += [client.post(_address(name, theirs), asked) for name in POSTS]
    for answer in told:
        assert answer.status_code == 404
        assert "CANARYHILL" not in answer.content.decode()
        assert KEY not in answer.content.decode()
    theirs.refresh_from_db()
    assert (theirs.definition, theirs.status) == (SECRET, "draft")
    assert DeviceType.objects.filter(code__startswith="acme-w1").count() == 1


def test_a_comparison_with_a_type_of_another_company_is_none(
    client: Client, own: DeviceTypeVersion, theirs: DeviceTypeVersion
) -> None:
    page = client.get(f"{_address('compare', own)}?with={theirs.pk}")
    assert page.context["other"] is None
    assert "CANARYHILL" not in page.content.decode()


def test_drafts_of_another_company_are_not_listed(
    world: World, own: DeviceTypeVersion, theirs: DeviceTypeVersion
) -> None:
    client = Client()
    client.force_login(world.city.engineer)
    page = client.get(reverse("admin:workbench_start"))
    assert list(page.context["drafts"]) == [own]


@pytest.mark.parametrize("way", ["template", "payload", "import"])
def test_nothing_begins_in_another_company(world: World, way: str) -> None:
    client = Client()
    client.force_login(world.city.engineer)
    asked = {"way": way, "company": world.hill.company.pk, "payload": '{"volume": 1}', "table": "x"}
    before = DeviceType.objects.count()
    assert client.post(reverse("admin:workbench_start"), asked).status_code == 422
    assert DeviceType.objects.count() == before


def test_no_copy_is_made_into_another_company(world: World, own: DeviceTypeVersion) -> None:
    client = Client()
    client.force_login(world.city.engineer)
    asked = {"company": world.hill.company.pk}
    assert client.post(_address("copy", own), asked).status_code == 403
    assert not DeviceType.objects.filter(code="acme-w1-copy").exists()


def test_frames_that_nobody_is_known_to_own_are_for_no_company(world: World) -> None:
    RawFrame.objects.create(
        id=1, received_at=timezone.now(), module=None, transport=1, outcome=3,
        source="10.0.0.1", payload=b"\1\2\3\4", reason="unknown",
    )  # fmt: skip
    for person, expected in ((world.city.administrator, 0), (world.operator, 1)):
        client = Client()
        client.force_login(person)
        told = client.get(reverse("admin:workbench_frames")).json()
        assert len(told["frames"]) == expected


def test_decoding_asks_the_database_for_nothing(
    world: World, django_assert_num_queries: Callable[..., Any]
) -> None:
    """So that no key, frame or archive of anybody can be had by it."""
    asked = {"payload": "00f15365 01 e8030000", "device": world.hill.module.address or "1"}
    with django_assert_num_queries(0):
        sample = sample_of(asked)
        answer = checked(TEXT, sample)
    assert answer["sample"]["readings"]


def test_every_deed_needs_the_token_of_a_page(world: World, own: DeviceTypeVersion) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.city.engineer)
    addresses = [_address(name, own) for name in POSTS]
    addresses += [reverse(f"admin:workbench_{name}") for name in ("start", "words", "capture")]
    for address in addresses:
        assert client.post(address, {}).status_code == 403, address


@pytest.mark.parametrize("name", [*POSTS, "words", "capture"])
def test_deeds_are_no_links(world: World, own: DeviceTypeVersion, name: str) -> None:
    client = Client()
    client.force_login(world.city.engineer)
    address = _address(name, own) if name in POSTS else reverse(f"admin:workbench_{name}")
    assert client.get(address).status_code == 405


HOSTILE: list[dict[str, Any]] = [
    {"definition": "&a [*a]"},
    {"definition": "a: &x [1]\nb: &y [*x, *x]\nc: [*y, *y, *y]\n" * 3},
    {"definition": "[" * 5_000},
    {"definition": "!!python/object/apply:os.system ['id']"},
    {"definition": "type: \x00\ud800"},
    {"definition": TEXT, "payload": "\ud800", "encoding": "text"},
    {"definition": TEXT, "payload": "00", "config": "a: !!int x"},
    {"definition": TEXT, "payload": "00", "port": "٣"},
    {"definition": TEXT, "payload": "00", "port": "9" * 10},
    {"definition": TEXT, "payload": "00", "key": "\u0660" * 32},
    {"definition": TEXT, "payload": "0" * 262_145},
    {"definition": TEXT, "payload": "<script>alert(1)</script>", "encoding": "../../etc/passwd"},
]


@pytest.mark.parametrize("asked", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_questions_are_answered_in_words(
    world: World, own: DeviceTypeVersion, asked: dict[str, Any]
) -> None:
    client = Client()
    client.force_login(world.city.engineer)
    answer = client.post(_address("check", own), json.dumps(asked), content_type=JSON)
    assert answer.status_code in {200, 400, 413}
    assert answer["Content-Type"] == JSON
    for leak in ("Traceback", "/ingestion/", ".py"):
        assert leak not in answer.content.decode()


@pytest.mark.parametrize(
    "name", ["a\x00.csv", "../../x.csv", "<b>.csv", "x" * 240 + ".csv", ".csv"]
)
def test_names_of_files_do_no_harm(world: World, name: str) -> None:
    client = Client()
    client.force_login(world.city.engineer)
    upload = SimpleUploadedFile("x.csv", b"Byte,Name,Type\n0,Level,u8\n")
    upload.name = name
    answer = client.post(reverse("admin:workbench_start"), {"way": "import", "file": upload})
    assert answer.status_code in {302, 422}
    assert "<b>" not in answer.content.decode().partition("<main")[2].partition("</h1>")[2][:200]


def test_beginning_too_often_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "QUESTIONS", Limit("questions", 0))
    client = Client()
    client.force_login(world.city.engineer)
    before = DeviceType.objects.count()
    answer = client.post(reverse("admin:workbench_start"), {"way": "template", "kind": "mbus"})
    assert answer.status_code == 429
    assert DeviceType.objects.count() == before


def test_listing_frames_too_often_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "QUESTIONS", Limit("questions", 0))
    client = Client()
    client.force_login(world.city.engineer)
    answer = client.get(reverse("admin:workbench_frames"))
    assert answer.status_code == 429
    assert answer.json()["refused"]


def test_a_type_whose_tests_take_too_long_is_not_published(
    world: World, own: DeviceTypeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_types, "_FOR_TESTS", -1.0)
    with pytest.raises(MetersError, match="The tests take longer.*2 are left"):
        version_publish(actor=world.city.engineer, version=own, why="try")
    own.refresh_from_db()
    assert own.status == "draft"


def test_no_case_is_made_of_what_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = sample_of({"payload": "00f15365 01 e8030000"})
    monkeypatch.setattr(checking, "_FOR_CASES", -1.0)
    told = checked(TEXT, sample)["sample"]
    assert (told["case"], told["cut"]) == ("", "")
    assert told["readings"]


def test_no_case_is_made_of_very_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = sample_of({"payload": "00f15365 01 e8030000"})
    monkeypatch.setattr(checking, "_MOST_IN_CASE", 0)
    assert checked(TEXT, sample)["sample"]["case"] == ""
