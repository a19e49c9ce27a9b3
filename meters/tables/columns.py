"""Columns of everything that is installed: a sheet for each kind, and one wide sheet for all."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.lib.tables.columns import Column, Table
from hierarchy.models import Node
from hierarchy.tables.columns import CHAIN, NODES_LAYOUT
from hierarchy.tables.plan import Layout
from meters.models import Connection, Installation, Meter, TelemetryModule, UsagePoint

from .registers import register_columns

__all__ = [
    "INSTALLATIONS_LAYOUT",
    "METERS_LAYOUT",
    "MODULES_LAYOUT",
    "USAGE_POINTS_LAYOUT",
    "WIDE_LAYOUT",
    "WORKBOOK_LAYOUTS",
]

_PLACE = _("place (code or full name)")
_NODE = _("network node (code or full name)")

_CODE = Column.of(UsagePoint, "code", dbf="CODE", example="EL-000127")
_POINT = (
    Column.of(UsagePoint, "name", dbf="NAME", example="Kitchen"),
    Column.of(UsagePoint, "resource", dbf="RESOURCE", example="electricity"),
    Column.of(UsagePoint, "role", dbf="ROLE", example="consumption"),
    Column.of(UsagePoint, "is_active", name="active", dbf="ACTIVE"),
)
_PLACED = Column(name="place", heading=_PLACE, dbf="PLACE")
_CONNECTED = (
    Column(name="network_node", heading=_NODE, dbf="NET_NODE"),
    Column.of(
        Connection, "valid_from", name="connected_from", heading=_("connected from"), dbf="NET_FROM"
    ),
)
_POINTS = Table(
    "usage_points",
    _("usage points"),
    (_CODE, *_POINT, _PLACED, *_CONNECTED),
)

_MODULE_SERIAL = Column.of(TelemetryModule, "serial", dbf="SERIAL", example="0004A30B001C0530")
_TYPE = Column(name="type", heading=_("device type (code)"), dbf="TYPE")
_MODULE_ADDRESS = Column.of(TelemetryModule, "address", dbf="ADDRESS", example="0004A30B001C0530")
_MODULE_STATUS = Column.of(TelemetryModule, "status", dbf="STATUS")
_MODULES = Table(
    "modules",
    _("telemetry modules"),
    (_MODULE_SERIAL, _TYPE, _MODULE_ADDRESS, _PLACED, _MODULE_STATUS),
)

_METER_SERIAL = Column.of(Meter, "serial", dbf="SERIAL", example="00127345")
_METER = (
    Column.of(Meter, "digits", dbf="DIGITS", example="8"),
    Column.of(Meter, "manufactured_on", name="manufactured", dbf="MADE"),
    Column.of(Meter, "verified_on", name="verified", dbf="VERIFIED", example="2024-05-14"),
    Column.of(
        Meter, "verification_due_on", name="verification_due", dbf="DUE", example="2032-05-14"
    ),
)
_PORT = Column.of(Meter, "port", dbf="PORT", example="1")
_METERS = Table(
    "meters",
    _("meters"),
    (
        _METER_SERIAL,
        _TYPE,
        Column(name="module", heading=_("telemetry module (serial number)"), dbf="MODULE"),
        Column(name="module_type", heading=_("type of the module (code)"), dbf="MOD_TYPE"),
        _PORT,
        *_METER,
    ),
)

_INSTALLED = (
    Column.of(Installation, "installed_at", dbf="INSTALLED", example="2025-01-31 09:30"),
    Column.of(Installation, "removed_at", dbf="REMOVED"),
    Column.of(Installation, "multiplier", dbf="MULTIPLIER", example="1"),
    Column.of(Installation, "reason", dbf="REASON"),
)
_READINGS = tuple(item.column for item in register_columns())
_INSTALLATIONS = Table(
    "installations",
    _("installations"),
    (
        Column(name="usage_point", heading=_("usage point (code)"), dbf="POINT"),
        Column(name="meter", heading=_("meter (serial number)"), dbf="METER"),
        Column(name="meter_type", heading=_("type of the meter (code)"), dbf="MET_TYPE"),
        *_INSTALLED,
        *_READINGS,
    ),
)

USAGE_POINTS_LAYOUT = Layout(_POINTS, {"usage_points": {c.name: c.name for c in _POINTS.columns}})
MODULES_LAYOUT = Layout(_MODULES, {"modules": {c.name: c.name for c in _MODULES.columns}})
METERS_LAYOUT = Layout(_METERS, {"meters": {c.name: c.name for c in _METERS.columns}})
INSTALLATIONS_LAYOUT = Layout(
    _INSTALLATIONS, {"installations": {c.name: c.name for c in _INSTALLATIONS.columns}}
)
WORKBOOK_LAYOUTS = (
    NODES_LAYOUT,
    USAGE_POINTS_LAYOUT,
    MODULES_LAYOUT,
    METERS_LAYOUT,
    INSTALLATIONS_LAYOUT,
)

_P, _M, _D = _("usage point"), _("meter"), _("module")
_WIDE = Table(
    "wide",
    _("everything in one wide sheet"),
    (
        *CHAIN,
        _PLACED,
        _CODE.within("usage_point", _P, dbf="POINT"),
        _POINT[0].within("usage_point", _P, dbf="POINT_NAME"),
        *_POINT[1:],
        *_CONNECTED,
        Column.of(
            Node, "kind", name="network_kind", heading=_("kind of the network node"), dbf="NET_KIND"
        ),
        _MODULE_SERIAL.within("module", _D, dbf="MODULE"),
        _TYPE.within("module", _D, dbf="MOD_TYPE"),
        _MODULE_ADDRESS.within("module", _D, dbf="MOD_ADDR"),
        _MODULE_STATUS.within("module", _D, dbf="MOD_STATUS"),
        _PLACED.within("module", _D, dbf="MOD_PLACE"),
        _METER_SERIAL.within("meter", _M, dbf="METER"),
        _TYPE.within("meter", _M, dbf="MET_TYPE"),
        _PORT,
        *_METER,
        *_INSTALLED,
        *_READINGS,
    ),
)
WIDE_LAYOUT = Layout(
    _WIDE,
    {
        "usage_points": {
            "code": "usage_point_code",
            "name": "usage_point_name",
            **{c.name: c.name for c in (*_POINT[1:], _PLACED, *_CONNECTED)},
            "network_kind": "network_kind",
        },
        "modules": {
            "serial": "module_serial",
            "type": "module_type",
            "address": "module_address",
            "status": "module_status",
            "place": "module_place",
        },
        "meters": {
            "serial": "meter_serial",
            "type": "meter_type",
            "module": "module_serial",
            "module_type": "module_type",
            **{c.name: c.name for c in (_PORT, *_METER)},
        },
        "installations": {
            "usage_point": "usage_point_code",
            "meter": "meter_serial",
            "meter_type": "meter_type",
            **{c.name: c.name for c in (*_INSTALLED, *_READINGS)},
        },
    },
    places={column.name: column.name for column in CHAIN},
    merges=True,
)
