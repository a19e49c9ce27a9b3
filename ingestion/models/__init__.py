from .frames import FrameOutcome, RawFrame, Transport
from .keys import Claim, ModuleKey
from .mqtt import MqttLogin
from .quarantine import Quarantine, Reason, RegistryChange, ReplayRequest, ReplayWindow
from .redecoding import LateChange, RedecodedBlock, Redecoding

__all__ = [
    "Claim",
    "FrameOutcome",
    "LateChange",
    "ModuleKey",
    "MqttLogin",
    "Quarantine",
    "RawFrame",
    "Reason",
    "RedecodedBlock",
    "Redecoding",
    "RegistryChange",
    "ReplayRequest",
    "ReplayWindow",
    "Transport",
]
