"""S22: headers and cookies of errors, files and in production; of every route: tests/security."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.people import World

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check(answer: Any, path: str) -> None:
    for name, value in HEADERS.items():
        assert answer.headers.get(name) == value, (path, name)
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy, path
    assert "frame-ancestors 'none'" in policy, path
    assert "unsafe" not in policy, path
    assert "geolocation=()" in answer.headers.get("Permissions-Policy", ""), path
    if not path.startswith("/static/"):
        assert "no-store" in answer.headers.get("Cache-Control", ""), path
    for cookie in answer.cookies.values():
        assert cookie["samesite"] == "Lax", (path, cookie.key)
        assert cookie["httponly"], (path, cookie.key)


def test_errors_carry_all_headers(world: World, settings: Any) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    check(client.get("/no/such/page"), "404")
    check(client.post("/account/login/"), "403")
    check(client.get("/", HTTP_HOST="evil.example"), "400")
    with pytest.MonkeyPatch.context() as patch:

        def broken(request: Any) -> None:
            raise RuntimeError("broken on purpose")

        patch.setattr("config.urls.healthz", broken)
        patch.setattr("django.db.connection.cursor", broken)
        answer = client.get("/healthz")
    assert answer.status_code == 500
    check(answer, "500")


def test_static_files_carry_all_headers(db: None) -> None:
    from django.contrib.staticfiles import finders

    name = "admin/css/base.css"
    assert finders.find(name)
    answer = Client(raise_request_exception=False).get(f"/static/{name}")
    check(answer, f"/static/{name}")


def production(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": "k3" * 40 + "+x9_Zq",
        "MASTER_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "MQTT_URL": "mqtt://127.0.0.1:1883",
        "ALLOWED_HOSTS": "readout.example.com",
        "READOUT_VAR": str(tmp_path),
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_deploy_check_is_clean(db: None, tmp_path: Path) -> None:
    done = production(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_production_cookies_are_bound_to_the_host(db: None, tmp_path: Path) -> None:
    code = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE,"
        " s.CSRF_COOKIE_SECURE, s.LANGUAGE_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 31000000)"
    )
    done = production(tmp_path, "shell", "-v0", "-c", code)
    assert done.stdout.split() == ["__Host-sessionid", "__Host-csrftoken", *["True"] * 4]
