"""The whole `postgresql.conf` of the embedded server, fitted to the machine's memory."""

import os
from collections.abc import Iterator

from config.embedded.ports import LOOPBACK

MEGABYTE = 1024 * 1024
SHARED_MEMORY_FOLDER = "/dev/shm"  # nosec B108
ROOMY_SHARED_MEMORY = 256  # MB; containers often have 64, too few for parallel queries

CONNECTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
}
SPEED = {
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_locks_per_transaction": "256",  # monthly partitions of every archive
}
TEXT = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "iso, ymd",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.simple",
    "log_line_prefix": "%m [%p] ",
    "log_min_duration_statement": "5s",
    "log_parameter_max_length": "0",  # values may be secrets
    "log_parameter_max_length_on_error": "0",
}
# Temporary data need not survive a power cut.
CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum_naptime": "10min",
}


def memory_megabytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEGABYTE


def memory_settings(total: int) -> dict[str, str]:
    """A quarter of the memory (`total` in MB), at least 256 MB and at most 2 GB, is cache."""
    shared = min(max(total // 4, 256), 2048)
    return {
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(total // 2, 512)}MB",
        "huge_pages": "off",
    }


def _parallel_memory() -> dict[str, str]:
    try:
        status = os.statvfs(SHARED_MEMORY_FOLDER)
        size = status.f_frsize * status.f_blocks // MEGABYTE
    except OSError:
        size = 0
    return {} if size >= ROOMY_SHARED_MEMORY else {"dynamic_shared_memory_type": "mmap"}


def _lines(port: int, durable: bool) -> Iterator[str]:
    yield "# Written anew at each start."
    settings = CONNECTIONS | {"port": str(port)} | SPEED | TEXT | _parallel_memory()
    settings |= memory_settings(memory_megabytes()) if durable else {"shared_buffers": "128MB"}
    if not durable:
        settings |= CARELESS
    for name, value in settings.items():
        yield f"{name} = '{value}'"


def settings_text(*, port: int, durable: bool) -> str:
    return "\n".join(_lines(port, durable)) + "\n"
