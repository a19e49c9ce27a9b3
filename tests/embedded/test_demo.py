"""`demo`, `stop` and `status` as a person meets them."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable

from tests.embedded.conftest import Copy, until

NAMES = {"supervisor", "postgres", "valkey", "nats", "web", "worker", "beat", "fleet"}


def test_life_of_a_demo(copy: Copy) -> None:
    demo = copy.demo().wait_ready()
    assert "anna  a-generated-password" in demo.output
    assert urllib.request.urlopen(demo.url + "/healthz", timeout=5).status == 200
    assert set(copy.status()) == NAMES

    again, output = copy.run("demo")
    assert (again, output) == (
        1,
        f"readout: this copy is already running at {demo.url} (`make stop` ends it)\n",
    )
    code, output = copy.run("status")
    assert code == 0
    assert len(output.splitlines()) == 1 + len(NAMES)
    assert copy.sql("CREATE TABLE kept AS SELECT 42 AS value")[0] == 0

    assert demo.finish(signal.SIGINT) == 0
    assert copy.processes() == []
    assert copy.run("status") == (3, "readout: not running\n")

    started = time.monotonic()
    second = copy.demo().wait_ready()
    assert time.monotonic() - started < 10
    assert second.url == demo.url
    assert "collecting static files" in demo.output
    assert "collecting static files" not in second.output
    assert copy.sql("SELECT value FROM kept") == (0, "[(42,)]\n")
    assert copy.run("stop") == (0, "readout: stopped\n")
    assert second.process.wait(5) == 0


def test_killed_all_at_once_and_started_again(copy: Copy) -> None:
    copy.demo().wait_ready()
    copy.sql("CREATE TABLE kept AS SELECT 42 AS value")
    copy.kill_all()
    demo = copy.demo().wait_ready()
    assert copy.sql("SELECT value FROM kept") == (0, "[(42,)]\n")
    assert demo.finish(signal.SIGTERM) == 0
    assert copy.processes() == []


def test_only_the_supervisor_killed(copy: Copy) -> None:
    first = copy.demo().wait_ready()
    first.process.kill()
    first.process.wait()
    demo = copy.demo().wait_ready()
    assert set(copy.status()) == NAMES
    assert demo.finish(signal.SIGTERM) == 0
    assert copy.processes() == []


def wait_for_another(copy: Copy, name: str, pid: int) -> None:
    until(lambda: copy.status().get(name, pid) != pid, f"{name} to be started again")


def test_dead_process_is_started_again(copy: Copy) -> None:
    demo = copy.demo().wait_ready()
    for name in ("web", "postgres"):
        before = copy.status()[name]
        os.kill(before, signal.SIGKILL)
        demo.wait_line(f"{name} ended, starting it again (log: {copy.var}/log/{name}.log)")
        wait_for_another(copy, name, before)
    until(lambda: copy.sql("SELECT 1") == (0, "[(1,)]\n"), "the database to recover")
    assert urllib.request.urlopen(demo.url + "/healthz", timeout=5).status == 200
    assert demo.finish(signal.SIGTERM) == 0


def test_process_that_never_lives_stops_everything(copy: Copy) -> None:
    copy.celery.write_text("raise SystemExit('celery is ill')\n")
    code, output = copy.run("demo")
    assert code == 1
    assert "  celery is ill" in output
    assert "ended 3 times right after its start" in output.splitlines()[-1]
    assert copy.processes() == []


def test_failed_preparation_stops_everything(copy: Copy) -> None:
    (copy.root / "manage.py").write_text("raise SystemExit('no such table')\n")
    code, output = copy.run("demo")
    assert code == 1
    assert "  no such table\n" in output
    assert "readout: manage.py migrate failed" in output.splitlines()[-1]
    assert copy.processes() == []


def test_forced_port_that_is_taken(copy: Copy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        port = thief.getsockname()[1]
        code, output = copy.run("demo", PORT=str(port))
    assert (code, output) == (
        1,
        f"readout: port {port} (from PORT) cannot be used, another program may listen there:"
        " stop that program, give another PORT, or leave PORT out to get a free one\n",
    )
    assert copy.run("demo", PORT="http") == (
        1,
        "readout: PORT is 'http': give a number from 1 to 65535\n",
    )


def test_two_copies_side_by_side(make_copy: Callable[[str], Copy]) -> None:
    demos = [make_copy(name).demo() for name in ("one", "two")]
    urls = {demo.wait_ready().url for demo in demos}
    assert len(urls) == 2
    assert [demo.finish(signal.SIGINT) for demo in demos] == [0, 0]


def test_second_interruption_forces(copy: Copy) -> None:
    stubborn = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(1000)\n"
    copy.celery.write_text(stubborn)
    demo = copy.demo().wait_ready()
    demo.process.send_signal(signal.SIGINT)
    demo.wait_line("readout: stopping")
    started = time.monotonic()
    assert demo.finish(signal.SIGINT) == 0
    assert time.monotonic() - started < 5
    assert "stopping at once" in demo.output
    assert copy.processes() == []


def test_stop_without_a_running_copy(copy: Copy) -> None:
    assert copy.run("stop") == (0, "readout: not running\n")
