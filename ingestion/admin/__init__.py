from . import claims, commands, events, keys, quarantine, redecoding

__all__ = ["claims", "commands", "events", "keys", "quarantine", "redecoding"]
