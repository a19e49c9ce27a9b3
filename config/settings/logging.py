"""Logs: one line an event, to standard error; secrets are removed before they are written."""

from .environment import setting

_LEVEL = setting("LOG_LEVEL", "INFO")
# A line for every task that is due, one of them every three seconds. What fails is told at once.
_EACH_TASK = {"level": "DEBUG" if _LEVEL == "DEBUG" else "WARNING"}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "config.lib.redaction.SecretsFilter"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["secrets"],
        },
    },
    "root": {"handlers": ["console"], "level": _LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "axes": {"level": "WARNING"},
        "celery.beat": _EACH_TASK,
        "celery.worker.strategy": _EACH_TASK,
        "celery.app.trace": _EACH_TASK,
    },
}
