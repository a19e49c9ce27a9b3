"""From a bare machine to `.venv`: what is missing is said in one line."""

import ast
import sys
from pathlib import Path

import pytest

from config.embedded import bootstrap, launch

NO_INDEX = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "requirements-dev.txt").touch()
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = bootstrap.main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.err


def test_an_old_python_can_read_it() -> None:
    source = Path(bootstrap.__file__).read_text()
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source


def test_old_python(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 6, 9, "final", 0))
    monkeypatch.setenv("PATH", "/nowhere")
    code, text = run(capsys)
    assert code == 1
    assert text == (
        "readout: Python 3.6 is too old and no newer one was found: install Python 3.11 or newer"
        " (on Debian and Ubuntu: apt-get install python3 python3-venv)\n"
    )
    assert not (root / ".venv").exists()


def test_newer_python_on_the_path_is_found(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = tmp_path / "bin" / "python3.12"
    newer.parent.mkdir()
    newer.write_text("#!/bin/sh\nexit 0\n")
    newer.chmod(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setenv("PATH", str(newer.parent))
    assert bootstrap.find_python() == str(newer)


def test_debian_without_venv(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answers(python: str, code: str) -> bool:
        return Path(python).exists() and "ensurepip" not in code

    monkeypatch.setattr(bootstrap, "answers", answers)
    monkeypatch.setattr(bootstrap, "find_python", lambda: "/usr/bin/python3")
    code, text = run(capsys)
    assert code == 1
    assert text.count("\n") == 1
    assert "apt-get install python3-venv" in text
    assert not (root / ".venv").exists()


def test_file_in_the_place_of_the_environment(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".venv").touch()
    assert run(capsys) == (1, f"readout: {root / '.venv'} is not a folder: remove it\n")


def test_failed_installation_is_begun_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in NO_INDEX.items():
        monkeypatch.setenv(name, value)
    wanted = root / "requirements.txt"
    wanted.write_text(f"readout-no-such-package==1 --hash=sha256:{'0' * 64}\n")
    code, text = run(capsys)
    assert code == 1
    assert "No matching distribution found for readout-no-such-package" in text
    assert text.splitlines()[-1].startswith("readout: the packages of requirements.txt cannot be")
    environment = root / ".venv"
    assert not bootstrap.usable(str(environment))
    leftover = environment / "leftover"
    leftover.touch()

    wanted.write_text("")
    assert run(capsys) == (0, "")
    assert bootstrap.usable(str(environment))
    assert not leftover.exists()
    stamp = (environment / bootstrap.STAMP).stat().st_mtime_ns
    assert run(capsys) == (0, "")
    assert (environment / bootstrap.STAMP).stat().st_mtime_ns == stamp

    (environment / "bin" / "python").unlink()
    assert not bootstrap.usable(str(environment))


def test_stamp_of_the_other_file_survives(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / ".venv"
    folder.mkdir()
    installed: list[list[str]] = []

    def install(folder: str, names: list[str]) -> None:
        bootstrap.mark_unfinished(folder)
        installed.append(names)

    monkeypatch.setattr(bootstrap, "usable", lambda folder: True)
    monkeypatch.setattr(bootstrap, "install", install)
    both = ["requirements.txt", "requirements-dev.txt"]
    assert bootstrap.prepare(str(folder), both)
    assert not bootstrap.prepare(str(folder), ["requirements.txt"])
    assert not bootstrap.prepare(str(folder), both)
    (root / "requirements.txt").write_text("# changed\n")
    assert bootstrap.prepare(str(folder), ["requirements.txt"])
    assert not bootstrap.prepare(str(folder), both)
    assert installed == [both, ["requirements.txt"]]


def test_launcher_needs_only_the_standard_library() -> None:
    tree = ast.parse(Path(launch.__file__).read_text())
    modules = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    assert modules <= set(sys.stdlib_module_names)
