from . import claims, commands, events, keys, mqtt, quarantine, redecoding

__all__ = ["claims", "commands", "events", "keys", "mqtt", "quarantine", "redecoding"]
