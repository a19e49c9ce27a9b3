"""Where settings come from: the real environment, then what the embedded services wrote."""

from pathlib import Path

import environ

from config.embedded.state import load_environment

env = environ.Env()
_embedded = load_environment()


def setting(name: str, default: str = "") -> str:
    """Value of `name` from the environment, else from the embedded services, else `default`."""
    return str(env.str(name, default="")) or _embedded.get(name, default)


BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(setting("READOUT_VAR", str(BASE_DIR / "var")))
REDIS_URL = setting("REDIS_URL", "redis://127.0.0.1:6379")
