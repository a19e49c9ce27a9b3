"""Modbus registers by a map: the kind `modbus` of device types."""

from .reading import ModbusMap
from .registers import compile_map

__all__ = ["ModbusMap", "compile_map"]
