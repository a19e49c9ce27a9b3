"""PostgreSQL refuses to run as root: how root runs it all the same."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.service import launcher

ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Identity:
    """As whom a program runs: options for `launch.py`, and the owner of its files."""

    options: tuple[str, ...]
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make the path, with all below it, belong to this identity."""
        if os.geteuid() != 0 or not path.exists() or path.stat().st_uid == self.uid:
            return
        os.chown(path, self.uid, self.gid)
        for folder, names, files in os.walk(path):
            for name in names + files:
                os.lchown(os.path.join(folder, name), self.uid, self.gid)


def choose_identity(program: Path, folder: Path) -> Identity:
    """Oneself; as root a user namespace, else an account without rights; else an error."""
    if os.geteuid() != 0:
        return Identity((), os.geteuid(), os.getegid())
    if _runs(program, "--user-namespace"):
        return Identity(("--user-namespace",), 0, 0)
    for name in ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        option = ("--account", f"{account.pw_uid}:{account.pw_gid}")
        if _runs(program, *option) and _reachable(folder):
            folder.chmod(0o711)  # the account must pass through to its own folder inside
            return Identity(option, account.pw_uid, account.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and no other way works here: start as an ordinary"
        " user, allow user namespaces, put the copy and READOUT_VAR where the account nobody"
        " can read them, or give a DATABASE_URL"
    )


def _runs(program: Path, *options: str) -> bool:
    command = launcher(*options, command=[str(program), "--version"])
    return subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0


def _reachable(folder: Path) -> bool:
    """Whether every folder above lets anyone pass through."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.parents)
