"""Channels: one layer for every process that pushes to a browser."""

from .environment import REDIS_URL

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [f"{REDIS_URL.rstrip('/')}/2"], "capacity": 1000, "expiry": 30},
    },
}
