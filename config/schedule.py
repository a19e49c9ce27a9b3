"""What runs when; beat writes it into its tables at its start."""

from celery.schedules import crontab

SCHEDULE = {
    "seal the audit": {"task": "accounts.seal_audit", "schedule": 60.0},
    "clear expired sessions": {
        "task": "accounts.clear_sessions",
        "schedule": crontab(hour="3", minute="17"),
    },
}
