"""The one error of this package: its text is the single line that a person reads."""


class EmbeddedError(Exception):
    """Says what happened, to which thing, and how to mend it. Never holds a password."""
