from . import claims, events, keys, quarantine

__all__ = ["claims", "events", "keys", "quarantine"]
