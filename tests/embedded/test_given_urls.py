"""URLs in the environment: what is wrong with them is one line, without the password."""

import socket
import threading
from collections.abc import Iterator, Mapping

import pytest

from config.embedded import database_url, given_urls, services
from config.embedded.errors import EmbeddedError
from tests.embedded.conftest import SERVICE_VARIABLES, Copy

PASSWORD = "geheim-8431"
NAMES = "DATABASE_URL", "REDIS_URL", "MQTT_URL"


@pytest.fixture(scope="module")
def environment() -> Iterator[Mapping[str, str]]:
    """Addresses of services that really run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SERVICE_VARIABLES:
            patch.delenv(name, raising=False)
        with services.start(temporary=True) as running:
            yield running.environment


def complaint(environment: Mapping[str, str]) -> str:
    with pytest.raises(EmbeddedError) as raised:
        given_urls.check(environment)
    text = str(raised.value)
    assert PASSWORD not in text
    assert "\n" not in text
    return text


def test_good_urls_are_taken(environment: Mapping[str, str]) -> None:
    assert given_urls.check(environment) == {name: environment[name] for name in NAMES}


def test_empty_means_not_given() -> None:
    assert given_urls.check({"DATABASE_URL": "", "REDIS_URL": " "}) == {}


@pytest.mark.parametrize("name", NAMES)
def test_wrong_password(environment: Mapping[str, str], name: str) -> None:
    scheme, _, rest = environment[name].partition("://")
    user = rest.partition(":")[0]
    url = f"{scheme}://{user}:{PASSWORD}@{rest.rpartition('@')[2]}"
    assert "wrong user or password" in complaint({name: url})


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        ("DATABASE_URL", "postgresql://u:{}@127.0.0.1:{}/x", "cannot be reached"),
        ("REDIS_URL", "redis://:{}@127.0.0.1:{}", "cannot be reached"),
        ("MQTT_URL", "mqtt://u:{}@127.0.0.1:{}", "cannot be reached"),
    ],
)
def test_nobody_listens(name: str, url: str, words: str) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        text = complaint({name: url.format(PASSWORD, reserved.getsockname()[1])})
    assert words in text


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        ("DATABASE_URL", f"mysql://u:{PASSWORD}@h/x", "is not a URL of the form postgresql://"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h:port/x", "is not a URL of the form"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h/x?bogus=1", "cannot be used"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h.invalid/x", "unknown host"),
        ("REDIS_URL", f"http://:{PASSWORD}@h", "is not a URL of the form redis://"),
        ("REDIS_URL", "redis://", "is not a URL of the form redis://"),
        ("REDIS_URL", "redis://h.invalid", "unknown host"),
        ("MQTT_URL", f"mqtt://u:{PASSWORD}@h:99999", "is not a URL of the form mqtt://"),
        ("MQTT_URL", "h", "is not a URL of the form mqtt://"),
    ],
)
def test_malformed(name: str, url: str, words: str) -> None:
    assert words in complaint({name: url})


def test_absent_database(environment: Mapping[str, str]) -> None:
    assert "createdb" in complaint({"DATABASE_URL": environment["DATABASE_URL"] + "x"})


def test_database_without_the_right_to_create(environment: Mapping[str, str]) -> None:
    import psycopg

    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    place = environment["DATABASE_URL"].rpartition("@")[2]
    text = complaint({"DATABASE_URL": f"postgresql://guest:guest@{place}"})
    assert "may not create tables" in text


def test_database_in_another_encoding(environment: Mapping[str, str]) -> None:
    import psycopg

    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE old TEMPLATE template0 ENCODING 'WIN1251'"
            " LOCALE_PROVIDER libc LOCALE 'C'"
        )
    url = environment["DATABASE_URL"].rpartition("/")[0] + "/old"
    assert "WIN1251" in complaint({"DATABASE_URL": url})


def test_old_server(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_url, "OLDEST_VERSION", 99)
    assert "use 99 or newer" in complaint({"DATABASE_URL": environment["DATABASE_URL"]})


def test_another_kind_of_server(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_urls, "TIMEOUT_SECONDS", 0.2)
    mqtt, redis = environment["MQTT_URL"], environment["REDIS_URL"]
    assert "Redis" in complaint({"REDIS_URL": "redis" + mqtt[len("mqtt") :]})
    assert complaint({"MQTT_URL": "mqtt" + redis[len("redis") :]})


def test_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_urls, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        thread = threading.Thread(target=lambda: accepted.append(server.accept()[0]))
        thread.start()
        text = complaint({"REDIS_URL": f"redis://127.0.0.1:{server.getsockname()[1]}"})
        thread.join()
        accepted[0].close()
    assert "no answer in time" in text


def test_number_of_the_redis_database() -> None:
    assert given_urls.without_number("redis://:p@h:1/0") == "redis://:p@h:1"
    with pytest.raises(EmbeddedError, match="leave that out"):
        given_urls.without_number("redis://h/5")


def test_given_url_replaces_the_service(environment: Mapping[str, str], copy: Copy) -> None:
    urls = {name: environment[name] for name in NAMES}
    exit_code, output = copy.run("exec", "--", "sh", "-c", "echo $DATABASE_URL", **urls)
    assert (exit_code, output.strip()) == (0, urls["DATABASE_URL"])
    assert not (copy.var / "postgres").exists()


def test_the_line_that_a_person_sees(copy: Copy) -> None:
    exit_code, output = copy.run("exec", "--", "true", REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:1")
    assert exit_code == 1
    assert output == (
        "readout: REDIS_URL: 127.0.0.1:1 cannot be reached (Connection refused):"
        " check host, port and that the server runs\n"
    )
    assert not (copy.var / "postgres").exists()
