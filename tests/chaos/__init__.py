"""Networks that lose, repeat, reorder and cut."""
