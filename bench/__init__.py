"""Measurements on large data, run by management commands; results lie beside as JSON."""
