"""Root and an ordinary user start the same copy; root has two ways to run PostgreSQL."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from config.embedded import services, unprivileged
from config.embedded.errors import EmbeddedError
from tests.embedded.conftest import SERVICE_VARIABLES, Copy

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def nobody_python() -> str:
    """A Python that an account without rights can run with our packages."""
    for name in ("/usr/bin/python3", sys.executable):
        code = "import sys, psycopg; sys.exit(sys.version_info < (3, 11))"
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env"]
        command += [f"PYTHONPATH={sysconfig.get_path('purelib')}", name, "-c", code]
        if subprocess.run(command, capture_output=True, cwd="/", check=False).returncode == 0:
            return name
    pytest.skip("no Python with our packages that the account nobody may run")


def let_others_in(path: Path) -> None:
    """pytest's folders are private; these tests run as somebody else."""
    while path != Path(tempfile.gettempdir()) and path != path.parent:
        path.chmod(0o755)
        path = path.parent


@only_root
def test_ordinary_user(copy: Copy, tmp_path: Path) -> None:
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env"]
    path = f"PYTHONPATH={sysconfig.get_path('purelib')}"
    copy.inner_python = [nobody_python()]
    copy.python = [*user, path, "HOME=/", *copy.inner_python]
    let_others_in(tmp_path)
    shutil.chown(copy.root, "nobody", "nogroup")
    demo = copy.demo().wait_ready()
    assert copy.sql("SELECT 1") == (0, "[(1,)]\n")
    assert copy.var.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert demo.finish(signal.SIGINT) == 0
    assert copy.processes() == []


@pytest.fixture
def without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: the kernel refuses a user namespace."""
    runs = unprivileged._runs
    monkeypatch.setattr(
        unprivileged,
        "_runs",
        lambda program, *options: "--user-namespace" not in options and runs(program, *options),
    )
    for name in SERVICE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@only_root
def test_root_without_namespaces_uses_an_account(
    without_namespaces: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    let_others_in(tmp_path)
    monkeypatch.setenv("READOUT_VAR", str(tmp_path / "var"))
    with services.start(temporary=False) as running:
        owner = (tmp_path / "var" / "postgres").stat().st_uid
        with psycopg.connect(running.environment["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert owner != 0


@only_root
def test_root_without_any_way_is_told(
    without_namespaces: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("READOUT_VAR", str(tmp_path / "var"))
    with pytest.raises(EmbeddedError, match="refuses to run as root"):
        services.start(temporary=False)
