"""Binary layouts as data."""
