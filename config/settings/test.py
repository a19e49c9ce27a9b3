"""Tests: real services, cheap password hashes, mail kept in memory."""

from .base import *

SECRET_KEY = "tests-only"  # noqa: S105
MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PASSWORD_HASHERS = ["accounts.hashers.QuickArgon2Hasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
CELERY_TASK_ALWAYS_EAGER = True
# Several runs may share a machine, and several workers of one run a broker, whose sessions they
# would take from each other: tests of MQTT name their own.
INGEST_MQTT_PORT = 0
MQTT_URL = ""
# Tests that want the shipped types enter them themselves; the others have lists of their own.
SYNC_DEVICE_TYPES = False
