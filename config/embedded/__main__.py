"""`python -m config.embedded exec|demo|stop|status`."""

import argparse
import sys

from config.embedded import command, demo, running_copy
from config.embedded.errors import EmbeddedError
from config.embedded.interruption import Forced
from config.embedded.terminal import complain


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("exec", help="run a command with the services and their environment")
    run.add_argument("--temporary", action="store_true", help="fresh services, removed afterwards")
    run.add_argument("command", nargs=argparse.REMAINDER)
    actions.add_parser("demo", help="start everything and keep it running")
    actions.add_parser("stop", help="stop the running copy")
    actions.add_parser("status", help="one line for each process")
    return parser.parse_args(arguments)


def dispatch(options: argparse.Namespace) -> int:
    if options.action == "exec":
        words = options.command[1:] if options.command[:1] == ["--"] else options.command
        return command.execute(words, temporary=options.temporary)
    if options.action == "demo":
        return demo.run()
    if options.action == "stop":
        return running_copy.stop()
    return running_copy.show_status()


def main() -> int:
    """What goes wrong is one line on the error stream, and exit code 1."""
    try:
        return dispatch(parse(sys.argv[1:]))
    except EmbeddedError as error:
        complain(str(error))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        complain(f"{error.strerror or error}{where}")
    except (KeyboardInterrupt, Forced):
        complain("stopped")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
