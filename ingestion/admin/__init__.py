from . import claims, commands, events, inputs, keys, mqtt, quarantine, redecoding

__all__ = ["claims", "commands", "events", "inputs", "keys", "mqtt", "quarantine", "redecoding"]
