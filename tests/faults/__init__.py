"""Faults on real processes and sockets, and a checker of what was acknowledged: docs/faults.md."""
