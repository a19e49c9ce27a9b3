"""Makes `.venv` from nothing: run as a script by whatever Python the machine has.

Keeps to the syntax of Python 3.6, so that an old one can say that it is too old
(newer types stand in quotes).
Nothing counts as done until the stamp is written, which is the last step.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
# 3.11 first: it is the version the product is tested with.
CANDIDATES = ("python3.11", "python3.12", "python3.13", "python3.14", "python3", "python")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REQUIREMENTS = "requirements.txt"
REQUIREMENTS_DEV = "requirements-dev.txt"
STAMP = ".readout-stamp.json"
UNFINISHED = ".readout-unfinished"
SHOWN_LINES = 8


class BootstrapError(Exception):
    """Its text is the one line that a person reads."""


def too_old(version: "tuple[int, ...]") -> bool:
    return tuple(version[:2]) < OLDEST


def answers(python: str, code: str) -> bool:
    """Whether the interpreter runs the code; one that is broken or absent does not."""
    try:
        command = [python, "-I", "-c", code]
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def suitable(python: str) -> bool:
    return answers(python, f"import sys; sys.exit(sys.version_info[:2] < {OLDEST!r})")


def find_python() -> str:
    """This interpreter where it is new enough, else a newer one on the PATH."""
    if not too_old(sys.version_info[:2]) and sys.prefix == sys.base_prefix:
        return sys.executable
    for name in CANDIDATES:
        path = shutil.which(name)
        if path and suitable(path):
            return path
    raise BootstrapError(
        "Python {}.{} is too old and no newer one was found: install Python 3.11 or newer"
        " (on Debian and Ubuntu: apt-get install python3 python3-venv)".format(
            *sys.version_info[:2]
        )
    )


def file_hash(name: str) -> str:
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read_stamp(folder: str) -> "dict[str, str]":
    try:
        with open(os.path.join(folder, STAMP)) as file:
            content = json.load(file)
        return {str(key): str(value) for key, value in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def usable(folder: str) -> bool:
    """A virtual environment that was not left in the middle of an installation."""
    interrupted = os.path.exists(os.path.join(folder, UNFINISHED))
    return not interrupted and suitable(interpreter(folder))


def interpreter(folder: str) -> str:
    return os.path.join(folder, "bin", "python")


def make_environment(folder: str) -> None:
    python = find_python()
    if not answers(python, "import venv, ensurepip"):
        raise BootstrapError(
            "Python's module venv is missing: apt-get install python3-venv"
            " (as root), then run the command again"
        )
    if os.path.lexists(folder) and not (os.path.isdir(folder) and not os.path.islink(folder)):
        raise BootstrapError(f"{folder} is not a folder: remove it")
    if os.path.exists(folder):
        shutil.rmtree(folder)
    os.makedirs(folder)
    mark_unfinished(folder)
    run([python, "-m", "venv", folder], "the virtual environment cannot be made")


def mark_unfinished(folder: str) -> None:
    with open(os.path.join(folder, UNFINISHED), "w"):
        pass


def run(command: "list[str]", complaint: str) -> None:
    """Quiet when it succeeds; its last lines and one of ours when it does not."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    output = process.communicate()[0]
    if process.returncode != 0:
        lines = [line for line in output.splitlines() if line.strip()]
        for line in lines[-SHOWN_LINES:]:
            sys.stderr.write("  " + line + "\n")
        raise BootstrapError(complaint + ": see the lines above, then run the command again")


def install(folder: str, names: "list[str]") -> None:
    """With the hashes of the files: what is not exactly what was tested is refused."""
    sys.stdout.write("readout: installing packages (only the first time, takes a minute or two)\n")
    sys.stdout.flush()
    mark_unfinished(folder)
    for name in names:
        pip = [interpreter(folder), "-m", "pip", "install", "--quiet", "--no-input"]
        pip += ["--disable-pip-version-check", "--require-hashes", "-r", name]
        run(pip, f"the packages of {name} cannot be installed")


def write_stamp(folder: str, wanted: "dict[str, str]") -> None:
    path = os.path.join(folder, STAMP)
    with open(path + ".new", "w") as file:
        json.dump(wanted, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
    os.unlink(os.path.join(folder, UNFINISHED))


def prepare(folder: str, names: "list[str]") -> bool:
    """Bring `.venv` up to date; False where it was so already."""
    wanted = {name: file_hash(name) for name in names}
    if usable(folder):
        stamp = read_stamp(folder)
        if all(stamp.get(name) == value for name, value in wanted.items()):
            return False
        # What the other file asks for stays installed, so its entry stays true.
        wanted = dict(stamp, **wanted)
    else:
        make_environment(folder)
    install(folder, names)
    write_stamp(folder, wanted)
    return True


def main(arguments: "list[str]") -> int:
    names = [REQUIREMENTS] + ([REQUIREMENTS_DEV] if "--dev" in arguments else [])
    folder = os.path.join(ROOT, ".venv")
    lock = -1
    try:
        # Two starts at once: the second waits. The lock needs no file of its own.
        lock = os.open(ROOT, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare(folder, names)
    except BootstrapError as error:
        sys.stderr.write(f"readout: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"readout: {error.filename or folder}: {error.strerror}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("readout: stopped; the next start begins the installation anew\n")
        return 130
    finally:
        if lock >= 0:
            os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
