"""Collection: where listeners of the worker bind, and how much they hold."""

from .environment import env, setting

# Loopback unless said otherwise: a port for devices is opened on purpose.
INGEST_HOST = setting("INGEST_HOST", "127.0.0.1")
# 0: any free port, told in the log and on the overview.
INGEST_UDP_PORT = env.int("INGEST_UDP_PORT", default=7059)
INGEST_TCP_PORT = env.int("INGEST_TCP_PORT", default=7059)
# Frames stored in one transaction at most, and seconds that a frame waits for company.
INGEST_BATCH = env.int("INGEST_BATCH", default=5_000)
INGEST_LINGER = env.float("INGEST_LINGER", default=0.02)
# Frames held while the database is slow or away; beyond, nothing more is read from the sockets.
INGEST_HELD = env.int("INGEST_HELD", default=20_000)
