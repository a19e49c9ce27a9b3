"""MQTT logins in the admin: given, changed and taken away; a password stands on one page, once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import AuditEntry
from ingestion.models import MqttLogin
from ingestion.services.mqtt_logins import mqtt_login_give, mqtt_logins_live
from meters.models import TelemetryModule
from tests.ingestion.admin.test_admin import browser, named

if TYPE_CHECKING:
    from tests.people import World

LIST = "/admin/ingestion/mqttlogin/"
ADD = f"{LIST}add/"


def passwords(page: str) -> list[str]:
    return re.findall(r"<td[^>]*><code>([^<]+)</code></td>", page)


def password_of(module: TelemetryModule) -> str:
    [login] = [one for one in mqtt_logins_live() if one.label == module.address]
    return login.password


@pytest.fixture
def module(world: World) -> TelemetryModule:
    return named(world.city, 1)


def test_a_login_is_given_and_shown_once(world: World, module: TelemetryModule) -> None:
    client = browser(world.city.engineer)
    answer = client.post(ADD, {"module": module.pk})
    assert "no-store" in answer["Cache-Control"]
    assert passwords(answer.content.decode()) == [module.address, password_of(module)]
    row = MqttLogin.objects.get()
    for page in (LIST, f"{LIST}{row.pk}/change/"):
        text = client.get(page).content.decode()
        assert module.address in text and password_of(module) not in text
    again = client.post(ADD, {"module": module.pk}).content.decode()
    assert "Give it a new password" in again and password_of(module) not in again


def act(client: Any, action: str, *rows: MqttLogin) -> Any:
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, data)


def test_a_password_is_changed_and_a_login_taken_away_and_given_again(
    world: World, module: TelemetryModule
) -> None:
    first = mqtt_login_give(actor=None, module=module).password
    [row] = MqttLogin.objects.all()
    client = browser(world.city.engineer)
    answer = act(client, "rotate", row)
    assert "no-store" in answer["Cache-Control"]
    assert passwords(answer.content.decode()) == [module.address, password_of(module)]
    assert password_of(module) != first
    assert act(client, "revoke", row).status_code == 302
    assert list(mqtt_logins_live()) == []
    assert "revoked" in client.get(LIST).content.decode()
    answer = client.post(ADD, {"module": module.pk})
    assert passwords(answer.content.decode())[1] == password_of(module)
    kept = AuditEntry.objects.filter(model="ingestion.mqttlogin", company=world.city.company)
    texts = [
        str(entry.__dict__) for entry in AuditEntry.objects.filter(model="ingestion.mqttlogin")
    ]
    assert kept is not None and len(texts) >= 4, "given, changed, taken away, given again"
    assert not any(first in text or password_of(module) in text for text in texts)


def test_others_change_nothing(world: World, module: TelemetryModule) -> None:
    mqtt_login_give(actor=None, module=module)
    [row] = MqttLogin.objects.all()
    before = password_of(module)
    for person in (world.city.auditor, world.hill.engineer, world.city.clerk):
        client = browser(person)
        for action in ("rotate", "revoke"):
            answer = act(client, action, row)
            assert passwords(answer.content.decode()) == []
        assert client.post(ADD, {"module": module.pk}).status_code in {200, 302, 403}
    assert password_of(module) == before
    page = browser(world.hill.engineer).get(LIST).content.decode()
    assert module.address not in page


def test_a_module_without_a_device_id_is_told_so(world: World) -> None:
    TelemetryModule.objects.filter(pk=world.city.module.pk).update(address="")
    page = browser(world.city.engineer).post(ADD, {"module": world.city.module.pk})
    assert "no address of the form" in page.content.decode()
    assert not MqttLogin.objects.exists()
