"""Wired M-Bus, EN 13757-2 and EN 13757-3."""
