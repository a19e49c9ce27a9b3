"""The demo companies: two utilities in code, the same at every load."""
