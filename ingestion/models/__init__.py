from .frames import FrameOutcome, RawFrame, Transport
from .keys import Claim, ModuleKey
from .mqtt import MqttLogin
from .quarantine import Quarantine, Reason, RegistryChange, ReplayRequest, ReplayWindow

__all__ = [
    "Claim",
    "FrameOutcome",
    "ModuleKey",
    "MqttLogin",
    "Quarantine",
    "RawFrame",
    "Reason",
    "RegistryChange",
    "ReplayRequest",
    "ReplayWindow",
    "Transport",
]
