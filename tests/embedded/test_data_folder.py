"""A data folder that cannot take data: one line, and nothing half-made."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded.conftest import Copy

ROOT = os.geteuid() == 0
Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts an own small file system: permissions do not stop root, these do."""
    mounted: list[Path] = []

    def make(options: str) -> Path:
        target = tmp_path / "mounted"
        target.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(target)]
        if not ROOT or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root may mount")
        mounted.append(target)
        return target

    yield make
    for target in mounted:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


def test_read_only(copy: Copy, mount: Mount) -> None:
    folder = mount("ro") / "var"
    exit_code, output = copy.run("exec", "--", "true", READOUT_VAR=str(folder))
    assert (exit_code, output) == (
        1,
        f"readout: the data folder {folder} cannot be written (Read-only file system):"
        " make it writable, or name another folder in READOUT_VAR\n",
    )


@pytest.mark.skipif(ROOT, reason="permissions do not stop root")
def test_forbidden(copy: Copy, tmp_path: Path) -> None:
    tmp_path.joinpath("forbidden").mkdir(mode=0o500)
    folder = tmp_path / "forbidden" / "var"
    exit_code, output = copy.run("exec", "--", "true", READOUT_VAR=str(folder))
    assert exit_code == 1
    assert "cannot be written (Permission denied)" in output


def test_file_in_the_place_of_the_folder(copy: Copy) -> None:
    copy.var.write_text("")
    exit_code, output = copy.run("demo")
    assert exit_code == 1
    assert output.count("\n") == 1
    assert "cannot be written" in output


@pytest.mark.parametrize("megabytes", [1, 20, 38])
def test_full_disk(copy: Copy, mount: Mount, megabytes: int) -> None:
    folder = mount(f"size={megabytes}m") / "var"
    exit_code, output = copy.run("exec", "--", "true", READOUT_VAR=str(folder))
    assert exit_code == 1
    assert output.count("\n") == 1, output
    assert "No space left on device" in output
    assert not (folder / "postgres.new").exists()


def test_data_of_another_version(copy: Copy) -> None:
    (copy.var / "postgres").mkdir(parents=True)
    (copy.var / "postgres" / "PG_VERSION").write_text("14\n")
    exit_code, output = copy.run("exec", "--", "true")
    assert exit_code == 1
    assert "holds a database of version 14, this PostgreSQL is 18" in output


def test_interrupted_first_start_is_begun_anew(copy: Copy) -> None:
    (copy.var / "postgres.new").mkdir(parents=True)
    (copy.var / "postgres.new" / "PG_VERSION").write_text("18\n")
    (copy.var / "postgres.new.password").write_text("old")
    assert copy.sql("SELECT 1") == (0, "[(1,)]\n")
    assert not list(copy.var.glob("postgres.new*"))
