"""`manage.py vectors`: formats by content, counts, and one object on standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from ingestion.vectors.formats import UnknownFormatError, compare_file, format_of

_SHARED = Path(settings.BASE_DIR).parent / "shared" / "vectors"
_TASMOTA = {
    "topic": "tele/ups/SENSOR",
    "payload": '{"Time":"2019-01-17T01:29:07","ENERGY":{"Total":91.135,"Power":194.069}}',
    "expected": {"energy_import_kWh": 91.135, "power_W": 194.069},
}


def _file(folder: Path, *vectors: dict[str, Any]) -> Path:
    path = folder / "some.json"
    path.write_text(json.dumps({"vectors": list(vectors)}))
    return path


def _report(path: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("vectors", str(path), "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_a_value_that_differs_or_is_not_decoded_is_told(tmp_path: Path) -> None:
    wrong = {**_TASMOTA, "expected": {"energy_import_kWh": 91.136}}
    unknown = {**_TASMOTA, "expected": {"colour_K": 2700}}
    broken = {**_TASMOTA, "payload": '{"Time":'}
    report = _report(_file(tmp_path, _TASMOTA, wrong, unknown, broken))
    assert [item["verdict"] for item in report["items"]] == [
        "equal",
        "different",
        "different",
        "refused",
    ]
    assert "91.136: decoded 91.135" in report["items"][1]["detail"]
    assert "not decoded" in report["items"][2]["detail"]
    counts = [report[key] for key in ("total", "equal", "different", "refused")]
    assert counts == [4, 1, 2, 1]
    assert report["file"].endswith("some.json")


def test_lines_for_people(tmp_path: Path) -> None:
    out = StringIO()
    call_command("vectors", str(_file(tmp_path, _TASMOTA)), "--verbose", stdout=out)
    first, second = out.getvalue().splitlines()
    assert first.endswith("some.json: total 1, equal 1, different 0, refused 0")
    assert second.split() == ["equal", "0", "tele/ups/SENSOR"]


@pytest.mark.parametrize(
    ("published", "name"),
    [
        ({"valid_frames": []}, "libmbus"),
        ({"cosem_push": []}, "han_push"),
        ({"objects": []}, "lwm2m"),
        ({"files": []}, "nem12"),
        ({"map": {}}, "modbus_map"),
        ({"vectors": [{"udp_payload_hex": ""}]}, "udp_push"),
        ({"vectors": [{"schema": "", "payload_hex": ""}]}, "payload_schema"),
        ({"vectors": [{"frames": [], "driver": ""}]}, "wmbusmeters"),
        ({"vectors": [{"text": ""}]}, "p1"),
        ({"vectors": [{"frame_code": "", "payload_hex": ""}]}, "adeunis"),
        ({"vectors": [{"vendor": "", "payload_hex": ""}]}, "lorawan"),
        ({"vectors": [{"payload": ""}]}, "mqtt_json"),
    ],
)
def test_a_format_is_known_by_its_keys(published: Any, name: str) -> None:
    assert format_of(published).name == name


@pytest.mark.parametrize("published", [[], {}, {"vectors": []}, {"vectors": [1]}])
def test_another_file_is_refused(published: Any) -> None:
    with pytest.raises(UnknownFormatError):
        format_of(published)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    with pytest.raises(CommandError, match="No such file"):
        call_command("vectors", str(path))
    path.write_text("{")
    with pytest.raises(CommandError, match="can't be compared"):
        call_command("vectors", str(path))
    with pytest.raises(CommandError, match="one file at a time"):
        call_command("vectors", str(path), str(path), "--json")


def test_no_service_is_asked_and_nothing_else_is_printed(tmp_path: Path) -> None:
    nowhere = {
        "DATABASE_URL": "postgres://nobody:none@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "MQTT_URL": "mqtt://127.0.0.1:9",
    }
    command = [sys.executable, "manage.py", "vectors", str(_file(tmp_path, _TASMOTA)), "--json"]
    done = subprocess.run(  # noqa: S603  our own command
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["equal"] == 1
    assert len(done.stdout.splitlines()) == 1


# What must come out of the published files, where they are at hand: (equal, different) at least
# and at most. Refused are devices that no type ships for.
_FILES = {
    "mqtt_json_real.json": (5, 0),
    "modbus_sdm630_map.json": (31, 0),
    "lorawan_ttn_latest.json": (8, 0),
    "lorawan_ttn_metering.json": (40, 0),
    "pulse_adeunis.json": (34, 0),
    "lwm2m/objects_metering.json": (19, 0),
    "nem12_expected.json": (92, 0),
}


@pytest.mark.parametrize("name", _FILES)
def test_published_files(name: str) -> None:
    path = _SHARED / name
    if not path.exists():
        pytest.skip("the published vectors are not beside the project")
    equal, different = _FILES[name]
    outcomes = list(compare_file(path))
    assert [one for one in outcomes if one.verdict == "different"][different:] == []
    assert sum(one.verdict == "equal" for one in outcomes) >= equal
