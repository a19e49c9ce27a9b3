"""`DATABASE_URL`, `REDIS_URL`, `MQTT_URL` from the environment: tried before anything starts."""

import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from config.embedded import database_url, mqtt_login, resp
from config.embedded.errors import EmbeddedError

TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Address:
    """A parsed URL. Its text form shows neither user nor password."""

    variable: str
    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None
    query: dict[str, list[str]]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Kind:
    """What URLs of one service look like: scheme to default port; the ones with TLS."""

    example: str
    ports: Mapping[str, int]
    encrypted: frozenset[str]
    login: Callable[[socket.socket, Address], str | None]


def _redis_login(connection: socket.socket, address: Address) -> str | None:
    """None where the login is good, else the complaint."""
    answer = resp.login(connection, address.user, address.password)
    if answer == "+PONG":
        return None
    if answer.startswith(
        ("-WRONGPASS", "-NOAUTH", "-NOPERM", "-ERR AUTH", "-ERR invalid password")
    ):
        return "wrong user or password"
    return "it does not answer like a Redis server"


def _mqtt_login(connection: socket.socket, address: Address) -> str | None:
    code = mqtt_login.login(connection, address.user, address.password)
    if code == mqtt_login.ACCEPTED:
        return None
    if code is None:
        return "it does not answer like an MQTT broker"
    return mqtt_login.REFUSALS.get(code, f"it refuses with code {code}")


KINDS = {
    "REDIS_URL": Kind(
        "redis://:password@host:6379",
        {"redis": 6379, "rediss": 6379},
        frozenset({"rediss"}),
        _redis_login,
    ),
    "MQTT_URL": Kind(
        "mqtt://user:password@host:1883",
        {"mqtt": 1883, "mqtts": 8883},
        frozenset({"mqtts"}),
        _mqtt_login,
    ),
}


def check(environment: Mapping[str, str]) -> dict[str, str]:
    """The URLs given; one that is malformed, unreachable or refused is an `EmbeddedError`."""
    names = ("DATABASE_URL", *KINDS)
    given = {name: environment[name].strip() for name in names if environment.get(name, "").strip()}
    for name, url in given.items():
        if name == "DATABASE_URL":
            database_url.check(url)
        else:
            _check_server(parse(name, url), KINDS[name])
    if "REDIS_URL" in given:
        given["REDIS_URL"] = without_number(given["REDIS_URL"])
    return given


def without_number(url: str) -> str:
    """The settings add the number of the database; several are used."""
    parts = urlsplit(url)
    if parts.path not in ("", "/", "/0"):
        raise EmbeddedError(
            f"REDIS_URL ends in {parts.path}: leave that out, the databases 0, 1 and 2 are used"
        )
    return parts._replace(path="").geturl()


def parse(variable: str, url: str) -> Address:
    kind = KINDS[variable]
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port or kind.ports[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        raise EmbeddedError(
            f"{variable} is not a URL of the form {kind.example}:"
            " correct it (special characters in the password are written as %XX),"
            " or leave it out to use the embedded service"
        )
    return Address(
        variable,
        parts.scheme,
        parts.hostname,
        port,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password is not None else None,
        parse_qs(parts.query),
    )


def _check_server(address: Address, kind: Kind) -> None:
    try:
        with _connect(address, encrypted=address.scheme in kind.encrypted) as connection:
            complaint = kind.login(connection, address)
    except OSError as error:
        raise EmbeddedError(
            f"{address.variable}: {address} cannot be reached ({_reason(error)}):"
            " check host, port and that the server runs"
        ) from None
    if complaint:
        raise EmbeddedError(
            f"{address.variable}: {address} refuses the login: {complaint};"
            f" correct {address.variable}"
        )


def _connect(address: Address, *, encrypted: bool) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), timeout=TIMEOUT_SECONDS)
    if not encrypted:
        return connection
    context = ssl.create_default_context()
    if address.query.get("ssl_cert_reqs") == ["none"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=address.host)
    except OSError:
        connection.close()
        raise


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "unknown host"
    return error.strerror or type(error).__name__
