"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import os

from celery import Celery

from config.schedule import SCHEDULE
from ingestion.bootsteps import CollectionStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("readout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks()
app.steps["worker"].add(CollectionStep)
