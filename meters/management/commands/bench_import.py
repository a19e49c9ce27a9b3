"""`manage.py bench_import`: how long a large import takes and how much memory it needs."""

from __future__ import annotations

import io
import resource
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.test import Client
from django.urls import reverse

from accounts.models import Company, Role
from accounts.services.memberships import membership_grant
from config.lib.tables.formats import FORMATS
from config.lib.tables.writing import SheetToWrite
from meters.models import DeviceType, DeviceTypeVersion, Meter, ReadingType, RegisterTemplate
from meters.services.device_types import device_type_version_publish
from meters.tables.columns import WIDE_LAYOUT

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

_COLUMNS = (
    *("city", "street", "building", "apartment", "usage_point_code", "usage_point_name"),
    *("resource", "role", "network_node", "network_kind", "connected_from"),
    *("module_serial", "module_type", "module_address", "meter_serial", "meter_type", "digits"),
    *("verified", "verification_due", "installed_at", "multiplier", "opening"),
)
_OPENED = datetime(2025, 1, 31, 9)  # noqa: DTZ001 - local time of the company


class Command(BaseCommand):
    """Builds a company in an empty database and leaves it there: give it a temporary one."""

    help = "Measure the import of many meters with their modules, usage points and installations."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--meters", type=int, default=10_000, help="rows of the file")
        parser.add_argument("--format", default="xlsx", choices=["xlsx", "csv", "xls", "dbf-1251"])

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        if Company.objects.exists():
            raise CommandError("This database is in use: run it with a temporary one.")
        client = Client(SERVER_NAME="localhost")
        client.force_login(_engineer())
        data = _file(options["meters"], options["format"])
        self.stdout.write(f"file: {len(data) / 1e6:.1f} MB, {_memory():.0f} MB before")
        started = time.monotonic()
        token = self._check(client, data, options["format"])
        checked = time.monotonic()
        client.post(reverse("admin:meters_meter_process_import"), {"token": token})
        done = time.monotonic()
        if Meter.objects.count() != options["meters"]:
            raise CommandError("The import did not do what it was asked.")
        self.stdout.write(
            f"dry run {checked - started:.1f} s, run {done - checked:.1f} s, "
            f"together {done - started:.1f} s, peak memory {_memory():.0f} MB"
        )

    def _check(self, client: Client, data: bytes, kind: str) -> str:
        chosen = next(index for index, item in enumerate(FORMATS) if kind == item.KIND)
        file = SimpleUploadedFile(f"wide.{FORMATS[chosen].EXTENSION}", data)
        answer: Any = client.post(
            reverse("admin:meters_meter_import"),
            {"resource": "1", "format": str(chosen), "import_file": file},
        )
        context = getattr(answer, "context_data", {})
        report = context.get("report")
        if report is None or not report.clean:
            found = (report.refusal or report.problems[:3]) if report else context["form"].errors
            raise CommandError(f"The file was refused ({answer.status_code}): {found}")
        return str(context["confirm_form"].initial["token"])


def _memory() -> float:
    """The most the process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _engineer() -> Any:
    company = Company.objects.create(name="Bench", code="bench", time_zone="Europe/Kyiv")
    device_type = DeviceType.objects.create(
        company=company,
        code="drop-1",
        manufacturer="Bench",
        name="Drop 1",
        role="both",
        resource="cold_water",
    )
    version = DeviceTypeVersion.objects.create(device_type=device_type, number=1)
    codes = ("cold_water.volume", "cold_water.volume.register", "device.battery.level")
    for register in codes:
        RegisterTemplate.objects.create(
            version=version, register=register, reading_type=ReadingType.objects.get(code=register)
        )
    device_type_version_publish(actor=None, version=version)
    user = get_user_model().objects.create_user("engineer@bench.test")
    role = Role.objects.get(code="engineer", company=None)
    membership_grant(actor=None, user=user, company=company, role=role, accepted=True)
    return user


def _file(rows: int, kind: str) -> bytes:
    by_name = {column.name: column for column in WIDE_LAYOUT.table.columns}
    columns = [by_name[name] for name in _COLUMNS]
    sheet = SheetToWrite("wide", columns, list(_COLUMNS), _rows(rows))
    target = io.BytesIO()
    next(item for item in FORMATS if kind == item.KIND)().write(target, [sheet])
    return target.getvalue()


def _rows(count: int) -> Iterator[list[Any]]:
    """A building has forty apartments, a street ten buildings."""
    for number in range(count):
        building, apartment = divmod(number, 40)
        street, house = divmod(building, 10)
        serial = f"{number:012d}"
        yield [
            *("Київ", f"Вулиця {street + 1}", str(house + 1), str(apartment + 1)),
            *(f"CW-{serial}", "Кухня", "cold_water", "consumption"),
            *(f"Джерело {street + 1}", "source", _OPENED.date()),
            *(f"M{serial}", "drop-1", f"A{serial}", serial, "drop-1", 8),
            *(_OPENED.date(), _OPENED.date().replace(year=2031)),
            *(_OPENED + timedelta(minutes=number % 500), 1, f"{number % 9000}.{number % 1000:03d}"),
        ]
