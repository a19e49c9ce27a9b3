"""`exec`: a command with services around it, alone or beside another."""

import json
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.embedded.conftest import Copy, until


def test_exit_code_and_environment_reach_the_command(copy: Copy) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ))); raise SystemExit(7)"
    exit_code, output = copy.run("exec", "--", *copy.python, "-c", code)
    assert exit_code == 7
    told = json.loads(output)
    written = json.loads((copy.var / "run" / "env.json").read_text())
    assert {name: told[name] for name in written} == written
    assert set(written) == {
        *("DATABASE_URL", "REDIS_URL", "MQTT_URL", "SECRET_KEY", "MASTER_KEY"),
        *("READOUT_VAR", "PORT"),
    }
    assert copy.processes() == []


def test_secrets_are_private(copy: Copy) -> None:
    copy.run("exec", "--", "true")
    for path in (copy.var, *copy.var.glob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in (copy.var / "run" / "env.json", *(copy.var / "secrets").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_database_knows_cyrillic_and_its_user_is_no_superuser(copy: Copy) -> None:
    query = "SELECT 'СЧЁТЧИК' ILIKE 'счётчик', (SELECT usesuper FROM pg_user WHERE usename = user)"
    assert copy.sql(query) == (0, "[(True, False)]\n")


def test_second_start_keeps_data_and_ports(copy: Copy) -> None:
    copy.sql("CREATE TABLE kept AS SELECT 42 AS value")
    before = json.loads((copy.var / "run" / "env.json").read_text())
    assert copy.sql("SELECT value FROM kept") == (0, "[(42,)]\n")
    assert json.loads((copy.var / "run" / "env.json").read_text()) == before


def test_taken_ports_are_replaced(copy: Copy) -> None:
    copy.run("exec", "--", "true")
    remembered = json.loads((copy.var / "run" / "ports.json").read_text())
    thieves = [socket.create_server(("127.0.0.1", port)) for port in remembered.values()]
    try:
        assert copy.sql("SELECT 1") == (0, "[(1,)]\n")
    finally:
        for thief in thieves:
            thief.close()
    now = json.loads((copy.var / "run" / "ports.json").read_text())
    assert all(now[name] != port for name, port in remembered.items())


def test_second_command_joins_and_the_first_waits_for_it(copy: Copy) -> None:
    first = copy.start(
        "exec", "--", "sh", "-c", "echo up; while [ ! -e let-go ]; do sleep .05; done"
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "up\n"
    second = copy.start(
        "exec", "--", "sh", "-c", "echo up; while [ ! -e done ]; do sleep .05; done"
    )
    assert second.stdout is not None
    assert second.stdout.readline() == "up\n"
    (copy.root / "let-go").touch()
    assert "still uses the services" in first.stdout.readline()
    (copy.root / "done").touch()
    assert second.wait(20) == 0
    assert first.wait(20) == 0
    assert copy.processes() == []


def test_killed_with_everything_and_started_again(copy: Copy) -> None:
    copy.sql("CREATE TABLE kept AS SELECT 42 AS value")
    first = copy.start("exec", "--", "sh", "-c", "echo up; exec sleep 1000")
    assert first.stdout is not None
    first.stdout.readline()
    copy.kill_all()
    assert copy.sql("SELECT value FROM kept") == (0, "[(42,)]\n")


def test_services_end_with_a_killed_starter(copy: Copy) -> None:
    first = copy.start("exec", "--", "sh", "-c", "echo up; exec sleep 1000")
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.wait()
    names = ("postgres", "valkey-server", "nats-server")
    until(lambda: not running(copy, names), "services to end with their starter")


def running(copy: Copy, names: tuple[str, ...]) -> list[int]:
    found = []
    for pid in copy.processes():
        try:
            with open(f"/proc/{pid}/comm") as file:
                name = file.read().strip()
        except OSError:
            continue
        if name in names:
            found.append(pid)
    return found


def test_stranger_with_a_reused_process_id_is_spared(copy: Copy) -> None:
    copy.run("exec", "--", "true")
    stranger = copy.start("exec", "--temporary", "--", "sh", "-c", "echo up; exec sleep 1000")
    assert stranger.stdout is not None
    stranger.stdout.readline()
    lock = copy.var / "postgres" / "postmaster.pid"
    lock.write_text(f"{stranger.pid}\n{copy.var}/postgres\n0\n1\n\n127.0.0.1\n1 1\nready\n")
    assert copy.sql("SELECT 1") == (0, "[(1,)]\n")
    assert stranger.poll() is None


def test_temporary_services_leave_nothing(copy: Copy) -> None:
    exit_code, output = copy.run("exec", "--temporary", "--", "sh", "-c", "echo $READOUT_VAR")
    assert exit_code == 0
    assert "readout-temporary-" in output
    assert not copy.var.exists()
    assert not Path(output.strip()).exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "readout: exec: give a command, as in `exec -- python manage.py shell`\n"),
        (("no-such-program",), "readout: exec: there is no program no-such-program\n"),
    ],
)
def test_wrong_command_is_one_line(copy: Copy, words: tuple[str, ...], line: str) -> None:
    assert copy.run("exec", "--", *words) == (1, line)


def test_two_copies_side_by_side(make_copy: Callable[[str], Copy]) -> None:
    copies = [make_copy("one"), make_copy("two")]
    script = "echo $DATABASE_URL; while [ ! -e done ]; do sleep .05; done"
    processes = [copy.start("exec", "--", "sh", "-c", script) for copy in copies]
    urls = {process.stdout.readline() for process in processes if process.stdout}
    for copy in copies:
        (copy.root / "done").touch()
    assert len(urls) == 2
    assert [process.wait(20) for process in processes] == [0, 0]
