"""The check of a given `DATABASE_URL`: reachable, login good, version, encoding, rights."""

from urllib.parse import unquote, urlsplit

from config.embedded.errors import EmbeddedError

SCHEMES = ("postgresql", "postgres")
EXAMPLE = "postgresql://user:password@host:5432/database"
TIMEOUT_SECONDS = 5
OLDEST_VERSION = 15
QUERY = (
    "SELECT current_setting('server_encoding'), current_database(), current_user,"
    " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
)

# Words that must all be in libpq's message, and what a person should read instead.
COMPLAINTS = (
    (("password authentication failed",), "wrong user or password; correct them in the URL"),
    (("no password supplied",), "a password is needed; add it"),
    (
        ("database", "does not exist"),
        "there is no such database; create it with `createdb`",
    ),
    (("role", "does not exist"), "there is no such user; create it with `createuser`"),
    (
        ("pg_hba.conf",),
        "the server does not admit this host or user; see its pg_hba.conf",
    ),
    (("refused",), "cannot be reached; check host, port and that the server runs"),
    (("timeout",), "no answer in time; check host, port and firewall"),
    (("timed out",), "no answer in time; check host, port and firewall"),
    (("translate host name",), "unknown host; check its name"),
    (("resolve host",), "unknown host; check its name"),
    (("certificate",), "its certificate is not trusted; see sslmode and sslrootcert"),
    (("SSL",), "TLS does not succeed; see sslmode"),
    (("too many clients",), "it has no free connection; close some"),
    (("connection slots",), "it has no free connection; close some"),
    (("starting up",), "it is not ready yet; try again"),
    (("shutting down",), "it is shutting down; try again"),
)


def check(url: str) -> None:
    """Raises `EmbeddedError` with one line that never holds the password."""
    import psycopg

    where = _place(url)
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT_SECONDS) as connection:
            version = connection.info.server_version // 10000
            row = connection.execute(QUERY).fetchone()
    except psycopg.OperationalError as error:
        raise EmbeddedError(f"DATABASE_URL: {where}: {explain(str(error))}") from None
    except psycopg.Error as error:
        reason = _last_line(str(error)).replace(_password(url) or "\0", "***")
        raise EmbeddedError(f"DATABASE_URL cannot be used: {reason}; form: {EXAMPLE}") from None
    encoding, database, user, may_create = row or ("", "", "", False)
    if version < OLDEST_VERSION:
        raise EmbeddedError(
            f"DATABASE_URL: {where} runs PostgreSQL {version}: use {OLDEST_VERSION} or newer"
        )
    if encoding != "UTF8":
        raise EmbeddedError(
            f"DATABASE_URL: {where} stores text as {encoding}: create the database with UTF8"
        )
    if not may_create:
        raise EmbeddedError(
            f"DATABASE_URL: user {user} may not create tables in {database}:"
            f" make it the owner (ALTER DATABASE {database} OWNER TO {user})"
        )


def explain(message: str) -> str:
    """A person's words for libpq's; what is unknown is left out rather than quoted."""
    for words, meaning in COMPLAINTS:
        if all(word in message for word in words):
            return meaning
    return "it does not accept the connection; check host, port, user, password and database"


def _place(url: str) -> str:
    """Host, port and database as given, without user and password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES:
        raise EmbeddedError(
            f"DATABASE_URL is not a URL of the form {EXAMPLE}: correct it (special characters"
            " in the password are written as %XX), or leave it out to use the embedded database"
        )
    return parts.netloc.rpartition("@")[2] + parts.path or "the local server"


def _password(url: str) -> str | None:
    password = urlsplit(url).password
    return unquote(password) if password else None


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["unknown reason"])[-1]
