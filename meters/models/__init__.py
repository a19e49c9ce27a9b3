from .channels import Channel
from .device_types import DeviceType, DeviceTypeVersion, RegisterTemplate
from .meters import Installation, InstallationReading, Meter
from .modules import TelemetryModule
from .reading_types import ReadingType
from .usage_points import Connection, UsagePoint

__all__ = [
    "Channel",
    "Connection",
    "DeviceType",
    "DeviceTypeVersion",
    "Installation",
    "InstallationReading",
    "Meter",
    "ReadingType",
    "RegisterTemplate",
    "TelemetryModule",
    "UsagePoint",
]
