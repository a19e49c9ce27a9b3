"""What a person sees: short lines that begin with the name of the product."""

import sys
from collections.abc import Iterable


def say(text: str) -> None:
    write(f"readout: {text}")


def complain(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"readout: {text}\n")
    sys.stderr.flush()


def quote(lines: Iterable[str]) -> None:
    """Lines of a log, indented, on the error stream."""
    sys.stderr.write("".join(f"  {line}\n" for line in lines))
    sys.stderr.flush()


def write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
