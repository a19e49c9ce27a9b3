"""Who may do what: the whole expectation, as data.

A registered model, action or address without a row here fails a test that says what to add.
People are those of company City Utilities in tests/people.py; everybody who is not named is
refused: 403 for those who may enter the administration, the way to the sign-in for the others.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "ACTIONS",
    "ADMIN_URLS",
    "ENTER",
    "MODELS",
    "OUTSIDE_THE_DOOR",
    "PEOPLE",
    "ROUTES",
    "Rights",
    "Route",
]

PEOPLE = (
    "operator",
    "administrator",
    "engineer",
    "dispatcher",
    "clerk",
    "billing",
    "auditor",
    "keeper",
    "stranger",
    "anonymous",
)

# Whom the administration lets in.
ENTER = frozenset({"operator", "administrator", "engineer", "auditor", "keeper"})


def _people(names: str) -> frozenset[str]:
    unknown = set(names.split()) - set(PEOPLE)
    assert not unknown, unknown
    return frozenset(names.split())


class Rights(NamedTuple):
    """Who may do each action on the example row of their own company.

    add: may open the form. export, import_: None where the model has no such pages.
    """

    view: frozenset[str]
    change: frozenset[str] = frozenset()
    add: frozenset[str] = frozenset()
    delete: frozenset[str] = frozenset()
    export: frozenset[str] | None = None
    import_: frozenset[str] | None = None


_NOBODY = _people("")
_OPERATOR = _people("operator")
_WRITERS = _people("operator administrator engineer keeper")
_READERS = _people("operator administrator engineer auditor keeper")
_COMPANY_WIDE = _people("operator administrator engineer auditor")
_ABOUT_PEOPLE = _people("operator administrator auditor")
# Things that hang on nodes, and travel as tables. A part of a company may be taken out; a file is
# read in for the whole of it.
_TABLE = Rights(
    *(_READERS, _WRITERS, _WRITERS, _WRITERS),
    export=_WRITERS,
    import_=_people("operator administrator engineer"),
)

MODELS: dict[str, Rights] = {
    "hierarchy.Node": _TABLE,
    "meters.UsagePoint": _TABLE,
    "meters.TelemetryModule": _TABLE,
    "meters.Meter": _TABLE,
    "meters.Installation": _TABLE,
    # Types serve the whole company, so a part of it is not enough.
    "meters.DeviceType": Rights(_COMPANY_WIDE, *(_people("operator administrator engineer"),) * 3),
    # The example is published, and what is published never changes.
    "meters.DeviceTypeVersion": Rights(
        _COMPANY_WIDE, _NOBODY, _people("operator administrator engineer"), _NOBODY
    ),
    "meters.ReadingType": Rights(_COMPANY_WIDE),
    # What devices did and told: written by the engine alone.
    "ingestion.Quarantine": Rights(_READERS),
    "meters.DeviceEvent": Rights(_READERS),
    # Issued, rotated and retired, never changed or deleted.
    # Lists of keys come in, for the whole company, and never go out.
    "ingestion.ModuleKey": Rights(
        *(_READERS, _NOBODY, _WRITERS, _NOBODY),
        export=_NOBODY,
        import_=_people("operator administrator engineer"),
    ),
    "ingestion.ModuleInput": Rights(_READERS, _WRITERS, _WRITERS, _WRITERS),
    "ingestion.Claim": Rights(_READERS, _NOBODY, _WRITERS, _NOBODY),
    "ingestion.MqttLogin": Rights(_READERS, _NOBODY, _WRITERS, _NOBODY),
    "ingestion.Redecoding": Rights(_READERS, _NOBODY, _WRITERS, _NOBODY),
    "meters.Command": Rights(_READERS, _NOBODY, _WRITERS, _NOBODY),
    # Closed, never deleted; opened by the platform.
    "accounts.Company": Rights(_COMPANY_WIDE, _people("operator administrator"), _OPERATOR),
    # Adding is inviting; an account is deactivated, never deleted.
    "accounts.User": Rights(_ABOUT_PEOPLE, *(_people("operator administrator"),) * 2),
    "accounts.Membership": Rights(_ABOUT_PEOPLE, *(_people("operator administrator"),) * 3),
    "accounts.Role": Rights(_ABOUT_PEOPLE, *(_people("operator administrator"),) * 3),
    "accounts.AuditEntry": Rights(_ABOUT_PEOPLE),
    # The schedule of the platform: nothing of a company stands in it.
    "django_celery_beat.PeriodicTask": Rights(*(_OPERATOR,) * 4),
    "django_celery_beat.ClockedSchedule": Rights(*(_OPERATOR,) * 4),
    "django_celery_beat.CrontabSchedule": Rights(*(_OPERATOR,) * 4),
    "django_celery_beat.SolarSchedule": Rights(*(_OPERATOR,) * 4),
    "django_celery_beat.IntervalSchedule": Rights(*(_OPERATOR,) * 4),
}

# Registered models that declare no `access` → why that is right.
OUTSIDE_THE_DOOR = {
    "django_celery_beat.PeriodicTask": "the platform's schedule",
    "django_celery_beat.ClockedSchedule": "the platform's schedule",
    "django_celery_beat.CrontabSchedule": "the platform's schedule",
    "django_celery_beat.SolarSchedule": "the platform's schedule",
    "django_celery_beat.IntervalSchedule": "the platform's schedule",
}

# (model, action of its list) → who may run it on the own example. `delete_selected` needs no row:
# it follows `Rights.delete`.
ACTIONS: dict[tuple[str, str], frozenset[str]] = {
    ("ingestion.Quarantine", "replay_now"): _WRITERS,
    ("ingestion.ModuleKey", "rotate"): _WRITERS,
    ("ingestion.ModuleKey", "retire"): _WRITERS,
    ("ingestion.MqttLogin", "rotate"): _WRITERS,
    ("ingestion.MqttLogin", "revoke"): _WRITERS,
    ("meters.Command", "cancel"): _WRITERS,
    # They lead to the page below and write nothing.
    ("meters.TelemetryModule", "read_archive"): _WRITERS,
    ("meters.UsagePoint", "read_archive"): _WRITERS,
    ("meters.DeviceTypeVersion", "publish"): _people("operator administrator engineer"),
    ("accounts.User", "end_sessions"): _people("operator administrator"),
    ("accounts.User", "deactivate"): _people("operator administrator"),
    ("accounts.User", "reactivate"): _people("operator administrator"),
    ("accounts.Membership", "resend_invitation"): _people("operator administrator"),
    ("accounts.Role", "copy_to_own_role"): _people("operator administrator"),
    ("django_celery_beat.PeriodicTask", "enable_tasks"): _OPERATOR,
    ("django_celery_beat.PeriodicTask", "disable_tasks"): _OPERATOR,
    ("django_celery_beat.PeriodicTask", "toggle_tasks"): _OPERATOR,
    ("django_celery_beat.PeriodicTask", "run_tasks"): _OPERATOR,
}


class Route(NamedTuple):
    """An address: who gets past the refusal.

    method: what it answers to. query: appended to the address; OWN and FOREIGN stand for the key
    of the example of `model`. model: also the key in the path, where there is one.
    own_canary: the own company's texts must show, so that a test of isolation can fail.
    """

    allowed: frozenset[str]
    method: str = "GET"
    query: str = ""
    model: str = ""
    own_canary: bool = False


_EVERYBODY = frozenset(PEOPLE)
_SIGNED_IN = _EVERYBODY - {"anonymous"}

_VERSION = "meters.DeviceTypeVersion"

# Addresses of the administration besides the pages that every registered model has.
ADMIN_URLS: dict[str, Route] = {
    "index": Route(ENTER),
    "login": Route(_NOBODY),
    "logout": Route(ENTER),
    "password_change": Route(ENTER),
    "password_change_done": Route(ENTER),
    "autocomplete": Route(_NOBODY),  # without a field it refuses everybody; see test_autocomplete
    "jsi18n": Route(ENTER),
    "app_list": Route(ENTER),
    "hierarchy_node_tree": Route(_READERS, own_canary=True),
    "hierarchy_node_tree_children": Route(
        _READERS, query="?company=OWN&system=territory", model="accounts.Company", own_canary=True
    ),
    "hierarchy_node_tree_search": Route(
        _READERS,
        query="?company=OWN&system=territory&q=CANARY",
        model="accounts.Company",
        own_canary=True,
    ),
    "hierarchy_node_tree_move": Route(_READERS, "POST"),
    # Its keys are a time and a number; who sees which is in tests/ingestion/admin.
    "ingestion_rawframe_list": Route(_READERS),
    "ingestion_rawframe_detail": Route(_READERS),
    "meters_command_archive": Route(
        _WRITERS, query="?module=OWN", model="meters.TelemetryModule", own_canary=True
    ),
    "ingestion_redecoding_decide": Route(_WRITERS, "POST", model="ingestion.Redecoding"),
    # The workbench: types serve the whole company. What it asks writes nothing, so readers may.
    "workbench_start": Route(_people("operator administrator engineer"), own_canary=True),
    "workbench_words": Route(_COMPANY_WIDE, "POST"),
    "workbench_frames": Route(_COMPANY_WIDE),
    "workbench_capture": Route(_COMPANY_WIDE, "POST"),
    "workbench_version": Route(_COMPANY_WIDE, model=_VERSION, own_canary=True),
    "workbench_check": Route(_COMPANY_WIDE, "POST", model=_VERSION),
    "workbench_save": Route(_people("operator administrator engineer"), "POST", model=_VERSION),
    "workbench_change": Route(_people("operator administrator engineer"), "POST", model=_VERSION),
    "workbench_copy": Route(_people("operator administrator engineer"), "POST", model=_VERSION),
    "workbench_compare": Route(_COMPANY_WIDE, model=_VERSION, own_canary=True),
    "workbench_export": Route(_COMPANY_WIDE, model=_VERSION),
}

# Addresses outside the administration that show things of a company.
_METER_READERS = _SIGNED_IN - {"stranger"}
ROUTES: dict[str, Route] = {
    "home": Route(_SIGNED_IN),
    "search": Route(_SIGNED_IN, query="?q=CANARY"),
    "company_live": Route(_METER_READERS, model="accounts.Company"),
    "usage_point": Route(_METER_READERS, model="meters.UsagePoint", own_canary=True),
    # A file of readings is an export, which not everybody who sees them may take along.
    "usage_point_csv": Route(
        _people("operator administrator engineer billing keeper"), model="meters.UsagePoint"
    ),
    "usage_point_order": Route(
        _people("operator administrator engineer clerk keeper"),
        model="meters.UsagePoint",
        own_canary=True,
    ),
    "channel_value": Route(_METER_READERS, model="meters.Channel", own_canary=True),
    "networks": Route(_SIGNED_IN),
    "network_rows": Route(
        _METER_READERS, query="?parent=OWN", model="hierarchy.Node", own_canary=True
    ),
    "node": Route(_METER_READERS, model="hierarchy.Node", own_canary=True),
    "modules": Route(
        _METER_READERS, query="?company=OWN", model="accounts.Company", own_canary=True
    ),
    "module_frames": Route(_METER_READERS, model="meters.TelemetryModule", own_canary=True),
    "quarantine": Route(_SIGNED_IN),
}
