"""`manage.py replay_dataset`: real readings over UDP into the archive, then every digit compared."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ingestion.emulator.datasets import DATASETS, series_read
from ingestion.emulator.replaying import compare, prepare, send, service, values_revised

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ingestion.emulator.courier import Courier
    from ingestion.emulator.datasets import Series
    from ingestion.emulator.replaying import Compared, Replay


class Command(BaseCommand):
    """Ends with code 1 when anything differs."""

    help = "Send real interval data through the emulator and compare the archive with the files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = settings.BASE_DIR.parent / "shared" / "data"
        parser.add_argument("folder", nargs="?", type=Path, default=default)
        parser.add_argument("--host", default=settings.INGEST_HOST)
        parser.add_argument("--port", type=int, default=settings.INGEST_UDP_PORT)
        parser.add_argument("--seconds", type=float, default=300.0, help="give up after so long")

    def handle(self, *args: Any, folder: Path, host: str, port: int, **options: Any) -> None:
        series = self._read(folder)
        replays = prepare(series)
        begin = datetime.now(UTC)
        with service(host, port) as found:
            courier = send(replays, host=host, port=found)
            try:
                done = courier.deliver(seconds=options["seconds"])
            finally:
                courier.link.close()
        self._say_sent(courier, begin)
        if not done:
            raise CommandError(_("Some frames were not acknowledged in time."))
        revised = values_revised(replays, begin)
        rows = [compare(replay) for replay in replays]
        self._table(rows)
        self._verdict(rows, replays, revised)

    def _read(self, folder: Path) -> list[Series]:
        found = [one for one in DATASETS if (folder / one.path).is_file()]
        if not found:
            raise CommandError(_("There is no known data in %s.") % folder)
        for missing in set(DATASETS) - set(found):
            self.stdout.write(_("%s is missing, and left out.") % missing.path)
        try:
            return [series_read(folder, one) for one in found]
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _say_sent(self, courier: Courier, begin: datetime) -> None:
        score = courier.score
        text = _(
            "%(frames)d frames, %(acknowledged)d acknowledged, %(sent)d datagrams, %(seconds).1f s"
        )
        seconds = (datetime.now(UTC) - begin).total_seconds()
        values = {"frames": score.posted, "acknowledged": score.acknowledged, "sent": score.sent}
        self.stdout.write(text % {**values, "seconds": seconds})

    def _table(self, rows: list[Compared]) -> None:
        heads = (
            _("series"),
            _("slots"),
            _("sent twice"),
            _("gaps in the file"),
            _("gaps stored"),
            _("sum of the file"),
            _("sum of the archive"),
            _("unit"),
            _("noise"),
            _("differing"),
        )
        lines = [heads, *(_cells(row) for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
        for line in lines:
            cells = (f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(cells))

    def _verdict(self, rows: list[Compared], replays: list[Replay], revised: int) -> None:
        if revised:
            raise CommandError(_("A repeated value changed a stored one in %d blocks.") % revised)
        bad = [row.replay.series.dataset.code for row in rows if not row.good]
        if bad:
            raise CommandError(_("The archive differs: %s.") % ", ".join(bad))
        self.stdout.write(_("Every sum is equal, every gap is a gap, nothing was changed."))


def _cells(row: Compared) -> tuple[str, ...]:
    series = row.replay.series
    return (
        f"{series.dataset.code} {series.dataset.name}",
        str(row.values),
        str(series.repeated),
        str(row.gaps),
        str(row.gaps_stored),
        str(row.expected),
        str(row.stored),
        _sum_unit(series),
        f"{series.noise:.0e}" if series.noise else "0",
        str(row.lost + row.changed + row.invented),
    )


def _sum_unit(series: Series) -> str:
    """Of sums: hourly means of a flow add up to so many hours of it."""
    unit = series.dataset.kind.file_unit
    return f"{unit} × h" if unit == "l/s" else unit
