from . import claims, events, keys, quarantine, redecoding

__all__ = ["claims", "events", "keys", "quarantine", "redecoding"]
