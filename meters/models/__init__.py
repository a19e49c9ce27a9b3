from .archives import (
    BlockRevision,
    DeviceFlag,
    DirtyDay,
    IntervalBlock,
    MonthTotal,
    Quality,
    RegisterKind,
    RegisterReading,
    RegisterRevision,
    RevisionReason,
)
from .channels import Channel
from .commands import Command, CommandKind, CommandState, ResultStatus
from .device_types import DeviceType, DeviceTypeVersion, RegisterTemplate
from .events import DeviceEvent, EventCode, Severity
from .meters import Installation, InstallationReading, Meter
from .modules import ModuleState, TelemetryModule
from .reading_types import ReadingType
from .rollups import DirtyMonth, DirtyNode, NodeBlock, NodeMonth, RolledDay
from .usage_points import Connection, UsagePoint

__all__ = [
    "BlockRevision",
    "Channel",
    "Command",
    "CommandKind",
    "CommandState",
    "Connection",
    "DeviceEvent",
    "DeviceFlag",
    "DeviceType",
    "DeviceTypeVersion",
    "DirtyDay",
    "DirtyMonth",
    "DirtyNode",
    "EventCode",
    "Installation",
    "InstallationReading",
    "IntervalBlock",
    "Meter",
    "ModuleState",
    "MonthTotal",
    "NodeBlock",
    "NodeMonth",
    "Quality",
    "ReadingType",
    "RegisterKind",
    "RegisterReading",
    "RegisterRevision",
    "RegisterTemplate",
    "ResultStatus",
    "RevisionReason",
    "RolledDay",
    "Severity",
    "TelemetryModule",
    "UsagePoint",
]
