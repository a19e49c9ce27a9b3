"""Lists of keys: read in from a file, checked first, sealed; a key is repeated nowhere."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from ingestion.codecs.claim import secret_text
from ingestion.codecs.universal_frame import device_id
from ingestion.keys import check_value, key_open
from ingestion.models import Claim, ModuleKey, RegistryChange
from ingestion.services.keys import claim_offer, module_key_confirm, module_key_issue
from meters.models import DeviceType, TelemetryModule
from tests.meters.tables.conftest import Desk, complaint, report_of, table

if TYPE_CHECKING:
    from tests.people import World

HEADINGS = ["module", "device", "kind", "key"]
KEY = bytes(range(1, 17))
OTHER = bytes(range(101, 117))


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_FOLDER = tmp_path / "imports"


@pytest.fixture
def module(world: World) -> TelemetryModule:
    TelemetryModule.objects.filter(pk=world.city.module.pk).update(address="RDO-0000000001")
    return TelemetryModule.objects.get(pk=world.city.module.pk)


def desk(user: Any) -> Desk:
    return Desk(user, "ingestion_modulekey")


def live(module: TelemetryModule) -> dict[int, bytes]:
    rows = ModuleKey.objects.filter(module=module).exclude(state="retired")
    return {
        row.selector: key_open(bytes(row.sealed), module_id=module.pk, selector=row.selector)
        for row in rows
    }


def stored_texts() -> str:
    """Everything that the database holds as text: audit, activities, whatever there is."""
    found = []
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_list_is_checked_then_stored_sealed(
    world: World, module: TelemetryModule, kind: str
) -> None:
    module_key_issue(actor=None, module=module, key=OTHER)
    RegistryChange.objects.all().delete()
    rows = [
        [module.serial, "", "", KEY.hex()],
        ["", " rdo-1 ", "B", base64.b64encode(OTHER).decode()],
    ]
    page = desk(world.city.engineer)
    answer = page.check(table(HEADINGS, *rows, kind=kind), kind=kind)
    report = report_of(answer)
    assert report.clean, (report.refusal, report.problems)
    assert live(module) == {0: OTHER}, "nothing is stored before it is confirmed"
    shown = answer.content.decode()
    assert check_value(KEY) in shown and check_value(OTHER) in shown
    [waiting] = Path(page_folder()).iterdir()
    assert KEY.hex().encode() not in waiting.read_bytes(), "what waits is encrypted"
    assert page.confirm(answer).status_code == 302
    assert live(module) == {0: KEY, 1: OTHER} and not list(Path(page_folder()).iterdir())
    counts = report.counts["keys"]
    assert (counts.new, counts.changed, counts.unchanged) == (1, 1, 0)
    # The engine is told; the same list once more changes nothing.
    assert RegistryChange.objects.filter(kind="modules").exists()
    again = page.bring_in(table(HEADINGS, *rows, kind=kind), kind=kind).counts["keys"]
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    assert ModuleKey.objects.filter(module=module).count() == 3
    texts = stored_texts().lower()
    for secret in (KEY, OTHER):
        assert secret.hex() not in texts and base64.b64encode(secret).decode().lower() not in texts
    assert "import of table" in texts


def page_folder() -> str:
    from django.conf import settings

    return str(settings.IMPORT_FOLDER)


WRONG = [
    ({"module": "nobody"}, "module", "No module of the company has this serial number."),
    ({"module": "", "device": "ABC-7"}, "device", "has this device id"),
    ({"module": ""}, "module", "Give the serial number"),
    ({"device": "RDO-0000000009"}, "module", "serial number and this device id"),
    ({"kind": "c"}, "kind", "none of"),
    ({"key": ""}, "key", "missing"),
    ({"key": KEY.hex()[:-1]}, "key", "32 hexadecimal digits"),
    ({"key": KEY.hex() + "00"}, "key", "32 hexadecimal digits"),
    ({"key": "Z" * 32}, "key", "32 hexadecimal digits"),
    ({"key": "0" * 32}, "key", "number"),
    ({"key": base64.b64encode(bytes(16)).decode()}, "key", "all zeros"),
    ({"key": "12345678901234500000000000000000"}, "key", "took the key for a number"),
    ({"kind": "claim", "key": "7XKD-0M3V"}, "key", "mistyped"),
]


@pytest.mark.parametrize(("cells", "column", "message"), WRONG)
def test_each_wrong_cell_is_named_and_never_repeated(
    world: World, module: TelemetryModule, cells: dict[str, str], column: str, message: str
) -> None:
    good = {"module": module.serial, "device": "", "kind": "a", "key": KEY.hex()}
    row = {**good, **cells}
    page = desk(world.city.engineer)
    answer = page.check(table(HEADINGS, [row[name] for name in HEADINGS]))
    [problem] = report_of(answer).problems
    assert (problem.row, problem.column, problem.value) == (2, column, "")
    assert message in problem.message
    assert not ModuleKey.objects.exists()


def test_a_key_in_the_wrong_place_is_repeated_nowhere(
    world: World, module: TelemetryModule, caplog: pytest.LogCaptureFixture
) -> None:
    page = desk(world.city.engineer)
    caplog.set_level(logging.DEBUG)
    hidden = KEY.hex()
    swapped = table(HEADINGS, [hidden, "", "a", module.serial], ["", hidden, hidden, hidden])
    answer = page.check(swapped)
    report = report_of(answer)
    assert len(report.bad_rows) == 2 and hidden not in answer.content.decode()
    errors = page.client.get(answer.context_data["errors_url"]).content.decode()
    assert "No module of the company" in errors and hidden not in errors
    headless = page.check(table([module.serial, "", "a", hidden], ["x", "", "a", hidden]))
    assert "headings" in complaint(headless) and hidden not in headless.content.decode()
    broken = page.check(b"PK" + hidden.encode(), kind="xlsx")
    assert hidden not in broken.content.decode()
    assert hidden not in caplog.text and hidden not in stored_texts()
    assert not list(Path(page_folder()).glob("*")) or all(
        hidden.encode() not in file.read_bytes() for file in Path(page_folder()).iterdir()
    )


def test_one_key_of_a_kind_for_each_module(world: World, module: TelemetryModule) -> None:
    page = desk(world.city.engineer)
    twice = table(
        HEADINGS, [module.serial, "", "a", KEY.hex()], ["", "RDO-1", "key A", OTHER.hex()]
    )
    [problem] = report_of(page.check(twice)).problems
    assert problem.row == 3 and "Row 2" in problem.message
    twin = TelemetryModule.objects.get(pk=module.pk)
    twin.pk, twin.address = None, "RDO-0000000002"
    twin.device_type = DeviceType.objects.create(
        company=module.company, code="other", manufacturer="M", name="N", role="module"
    )
    twin.save()
    [problem] = report_of(page.check(table(HEADINGS, [module.serial, "", "a", KEY.hex()]))).problems
    assert "Give the device id too" in problem.message
    page.bring_in(table(HEADINGS, [module.serial, "RDO-0000000002", "a", KEY.hex()]))
    assert live(twin) == {0: KEY} and live(module) == {}


def test_claim_secrets_come_as_printed_or_as_bytes(world: World, module: TelemetryModule) -> None:
    page = desk(world.city.engineer)
    printed = secret_text(device_id(module.address), KEY)
    page.bring_in(table(HEADINGS, [module.serial, "", "claim secret", printed]))
    claim = Claim.objects.get(module=module)
    assert key_open(bytes(claim.sealed), module_id=module.pk, selector=2) == KEY
    again = page.bring_in(table(HEADINGS, [module.serial, "", "claim", KEY.hex(" ")]))
    assert again.counts["keys"].unchanged == 1
    offered = claim_offer(module_id=module.pk, at=claim.created_at)
    assert offered is not None
    assert module_key_confirm(module_id=module.pk, selector=0, key=offered)
    [problem] = report_of(
        page.check(table(HEADINGS, [module.serial, "", "claim", printed]))
    ).problems
    assert "spent" in problem.message
    foreign = secret_text(device_id("RDO-0000000002"), KEY)
    [problem] = report_of(
        page.check(table(HEADINGS, [module.serial, "", "claim", foreign]))
    ).problems
    assert "printed on another module" in problem.message


def test_keys_of_other_companies_and_parts_are_out_of_reach(
    world: World, module: TelemetryModule
) -> None:
    theirs = world.hill.module
    TelemetryModule.objects.filter(pk=theirs.pk).update(serial="THEIRS")
    answer = desk(world.city.engineer).check(table(HEADINGS, ["THEIRS", "", "a", KEY.hex()]))
    assert "No module" in report_of(answer).problems[0].message
    for person in (world.city.keeper, world.city.auditor):
        page = desk(person)
        assert page.client.get(page.url("import")).status_code == 403
    assert desk(world.operator).client.get(desk(world.operator).url("export")).status_code == 403


def test_a_thousand_keys_take_a_few_queries(
    world: World, module: TelemetryModule, django_assert_max_num_queries: Any
) -> None:
    kind, company = module.device_type, module.company
    rows = [
        TelemetryModule(company=company, device_type=kind, serial=f"S{n}", address=f"RDO-{n:010d}")
        for n in range(10, 1_010)
    ]
    TelemetryModule.objects.bulk_create(rows)
    lines = [["", row.address, "a", KEY.hex()] for row in rows]
    page = desk(world.city.engineer)
    answer = page.check(table(HEADINGS, *lines))
    with django_assert_max_num_queries(60):
        assert page.confirm(answer).status_code == 302
    assert ModuleKey.objects.filter(state="active").count() == 1_000
