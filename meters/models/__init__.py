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
from .device_types import DeviceType, DeviceTypeVersion, RegisterTemplate
from .meters import Installation, InstallationReading, Meter
from .modules import TelemetryModule
from .reading_types import ReadingType
from .rollups import DirtyMonth, DirtyNode, NodeBlock, NodeMonth, RolledDay
from .usage_points import Connection, UsagePoint

__all__ = [
    "BlockRevision",
    "Channel",
    "Connection",
    "DeviceFlag",
    "DeviceType",
    "DeviceTypeVersion",
    "DirtyDay",
    "DirtyMonth",
    "DirtyNode",
    "Installation",
    "InstallationReading",
    "IntervalBlock",
    "Meter",
    "MonthTotal",
    "NodeBlock",
    "NodeMonth",
    "Quality",
    "ReadingType",
    "RegisterKind",
    "RegisterReading",
    "RegisterRevision",
    "RegisterTemplate",
    "RevisionReason",
    "RolledDay",
    "TelemetryModule",
    "UsagePoint",
]
