"""A collection service over MQTT in a process of its own: `python -m tests.ingestion.mqtt_worker PORT`."""

from __future__ import annotations

import os
import sys


def main(port: int) -> None:
    """Until standard input ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    import django

    django.setup()
    from django.conf import settings

    settings.MQTT_URL = os.environ["MQTT_URL"]
    from ingestion.collection import Collection

    collection = Collection(host="127.0.0.1", udp_port=0, tcp_port=0, mqtt_port=port)
    collection.start()
    sys.stdin.read()
    collection.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
