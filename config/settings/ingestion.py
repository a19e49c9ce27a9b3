"""Collection: where listeners of the worker bind, and how much they hold."""

from .environment import env, setting

# Loopback unless said otherwise: a port for devices is opened on purpose.
INGEST_HOST = setting("INGEST_HOST", "127.0.0.1")
# 0: any free port, told in the log and on the overview.
INGEST_UDP_PORT = env.int("INGEST_UDP_PORT", default=7059)
INGEST_TCP_PORT = env.int("INGEST_TCP_PORT", default=7059)
# Modules that speak MQTT straight to us; negative: they go through the broker only.
INGEST_MQTT_PORT = env.int("INGEST_MQTT_PORT", default=7058)
# The broker, mqtt://user:password@host:1883 or mqtts://…; "": none.
MQTT_URL = setting("MQTT_URL")
# Topic shards that this worker takes from the broker, of ten: "0-9", "0-4", "7"; "": none.
INGEST_MQTT_SHARDS = env.str("INGEST_MQTT_SHARDS", default="0-9")
# Topics to subscribe to besides, as of LoRaWAN network servers: "v3/+/devices/+/up, application/#".
INGEST_MQTT_TOPICS = env.str("INGEST_MQTT_TOPICS", default="")
# 1: the broker stores each answer for a device that is away; 0: the device asks again.
INGEST_MQTT_ANSWER_QOS = env.int("INGEST_MQTT_ANSWER_QOS", default=0)
# Frames stored in one transaction at most, and seconds that a frame waits for company.
INGEST_BATCH = env.int("INGEST_BATCH", default=5_000)
INGEST_LINGER = env.float("INGEST_LINGER", default=0.02)
# Frames held while the database is slow or away; beyond, nothing more is read from the sockets.
INGEST_HELD = env.int("INGEST_HELD", default=20_000)
# Into how many shares the devices are divided. So many workers can collect side by side, each the
# devices of its shares; one of them alone takes all. The same number in all workers.
INGEST_SHARES = env.int("INGEST_SHARES", default=1)
# Where workers hand on to each other the frames of each other's devices; inside the servers' network.
INGEST_RELAY_HOST = setting("INGEST_RELAY_HOST", "127.0.0.1")
# Whether the device types that ship with the product are entered after every migration.
SYNC_DEVICE_TYPES = True
