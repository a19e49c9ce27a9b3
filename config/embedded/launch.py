"""Becomes a service: `python -I -S launch.py OPTIONS -- COMMAND...` ends in exec of the command.

Done in a small process of its own rather than between fork and exec of a threaded one.
Options: `--parent PID --signal N` ask the kernel to send signal N when the parent dies;
`--user-namespace` makes root look like user 1000 (PostgreSQL refuses to run as root);
`--account UID:GID` gives up root for an existing account.
"""

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
INNER_ID = 1000


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int)
    parser.add_argument("--signal", type=int, default=15)
    parser.add_argument("--user-namespace", action="store_true")
    parser.add_argument("--account")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def enter_user_namespace(libc: ctypes.CDLL) -> None:
    """Inside, files of the real user look like those of user 1000; no power is gained."""
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespaces here")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{INNER_ID} {uid} 1"),
        ("gid_map", f"{INNER_ID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def change_account(account: str) -> None:
    uid, _, gid = account.partition(":")
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))


def die_with_parent(libc: ctypes.CDLL, parent: int, signal_number: int) -> None:
    """Asked last: the kernel forgets the wish when the credentials change."""
    libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")


def main() -> None:
    options = parse(sys.argv[1:])
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if options.user_namespace:
            enter_user_namespace(libc)
        if options.account:
            change_account(options.account)
        if options.parent:
            die_with_parent(libc, options.parent, options.signal)
        os.execv(options.command[0], options.command)
    except OSError as error:
        sys.exit(f"{options.command[0]}: {error}")


if __name__ == "__main__":
    main()
