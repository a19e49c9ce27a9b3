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
from .usage_points import Connection, UsagePoint

__all__ = [
    "BlockRevision",
    "Channel",
    "Connection",
    "DeviceFlag",
    "DeviceType",
    "DeviceTypeVersion",
    "DirtyDay",
    "Installation",
    "InstallationReading",
    "IntervalBlock",
    "Meter",
    "MonthTotal",
    "Quality",
    "ReadingType",
    "RegisterKind",
    "RegisterReading",
    "RegisterRevision",
    "RegisterTemplate",
    "RevisionReason",
    "TelemetryModule",
    "UsagePoint",
]
