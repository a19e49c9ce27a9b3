"""One machine, embedded services: `make demo` and development."""

from .base import *
from .environment import setting

DEBUG = setting("DEBUG", "").lower() in {"1", "true", "yes"}
# A command may run before the embedded services ever started; signing needs some key then.
SECRET_KEY = SECRET_KEY or "only-for-commands-that-run-before-the-first-start"  # noqa: S105
# Browsers allow passkeys on http://localhost; the server has to as well.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
