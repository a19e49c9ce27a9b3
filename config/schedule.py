"""What runs when; beat writes it into its tables at its start."""

from celery.schedules import crontab

SCHEDULE = {
    "seal the audit": {"task": "accounts.seal_audit", "schedule": 60.0},
    "clear expired sessions": {
        "task": "accounts.clear_sessions",
        "schedule": crontab(hour="3", minute="17"),
    },
    # Nothing is lost when one is left out, so a worker that was away finds a few at most.
    "roll up": {"task": "meters.roll_up", "schedule": 3.0, "options": {"expire_seconds": 10}},
    "carry on second decodings": {
        "task": "ingestion.carry_on_redecodings",
        "schedule": 10.0,
        "options": {"expire_seconds": 30},
    },
    "propose late changes": {"task": "ingestion.propose_late_changes", "schedule": 60.0},
    "forget parts of intervals": {
        "task": "ingestion.forget_interval_parts",
        "schedule": crontab(hour="3", minute="53"),
    },
    "expire commands": {"task": "meters.expire_commands", "schedule": 60.0},
    "look after partitions": {
        "task": "meters.upkeep_partitions",
        "schedule": crontab(hour="2", minute="41"),
    },
    # Midnight comes to nearly every time zone at a full or half hour.
    "let connections take effect": {
        "task": "meters.settle_connections",
        "schedule": crontab(minute="1,31"),
    },
}
