from .engines import EngineShare
from .frames import FrameOutcome, RawFrame, Transport
from .inputs import ModuleInput
from .keys import Claim, ModuleKey
from .mqtt import MqttLogin
from .quarantine import (
    IntervalPart,
    Quarantine,
    Reason,
    RegistryChange,
    ReplayRequest,
    ReplayWindow,
)
from .redecoding import LateChange, RedecodedBlock, Redecoding

__all__ = [
    "Claim",
    "EngineShare",
    "FrameOutcome",
    "IntervalPart",
    "LateChange",
    "ModuleInput",
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
