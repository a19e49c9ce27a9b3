"""Trying kept frames again once what stood in their way is mended, and decoding stored ones anew.

docs/design/0008-quarantine-and-replay.md
"""
