"""What tests need from the system: Debian's Chromium and the libraries of PDF output.

Run as a script. Root gets what is missing by apt-get; anyone else gets the command to run.
It never fails: tests that lack something say so and are skipped.
"""

import os
import shutil
import subprocess
import sys

from config.embedded.terminal import complain, quote, say

PACKAGES = (
    "chromium",
    "fonts-dejavu-core",
    "gettext",
    "libharfbuzz-subset0",
    "libpango-1.0-0",
    "libpangoft2-1.0-0",
)
SHOWN_LINES = 4


def missing() -> list[str]:
    """Names of packages that dpkg does not report as installed."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES]
    result = subprocess.run(query, capture_output=True, text=True, check=False)
    words = (line.split() for line in result.stdout.splitlines())
    installed = {pair[0] for pair in words if pair[-1] == "installed"}
    return [name for name in PACKAGES if name not in installed]


def install(names: list[str]) -> bool:
    """Package lists are fetched only where the first attempt fails."""
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *names]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for before in ([], ["apt-get", "update", "--quiet"]):
        if before:
            subprocess.run(before, capture_output=True, check=False, env=environment)
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment
        )
        if result.returncode == 0:
            return True
    quote((result.stderr or result.stdout).strip().splitlines()[-SHOWN_LINES:])
    return False


def main() -> int:
    if not (shutil.which("dpkg-query") and shutil.which("apt-get")):
        say("not a Debian system: browser and PDF tests need chromium and pango, else they skip")
        return 0
    names = missing()
    if not names:
        return 0
    hint = f"apt-get install {' '.join(names)}"
    if os.geteuid() != 0:
        complain(f"some tests will be skipped; as root run: {hint}")
        return 0
    say(f"installing {', '.join(names)}")
    if not install(names):
        complain(f"some tests will be skipped; this failed: {hint}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
