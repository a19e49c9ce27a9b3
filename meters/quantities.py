"""What is measured: resources, quantities, units and how values accumulate."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["RESOURCE_SYSTEMS", "Accumulation", "Direction", "Quantity", "Resource", "Unit"]


class Resource(models.TextChoices):
    ELECTRICITY = "electricity", _("electricity")
    COLD_WATER = "cold_water", _("cold water")
    HOT_WATER = "hot_water", _("hot water")
    GAS = "gas", _("gas")
    HEAT = "heat", _("heat")
    DEVICE = "device", _("the device itself")


# The network (hierarchy.kinds.System) that a resource is supplied through.
RESOURCE_SYSTEMS: dict[str, str] = {
    resource.value: resource.value for resource in Resource if resource != Resource.DEVICE
}


class Quantity(models.TextChoices):
    ACTIVE_ENERGY = "active_energy", _("active energy")
    REACTIVE_ENERGY = "reactive_energy", _("reactive energy")
    ACTIVE_POWER = "active_power", _("active power")
    REACTIVE_POWER = "reactive_power", _("reactive power")
    VOLTAGE = "voltage", _("voltage")
    CURRENT = "current", _("current")
    FREQUENCY = "frequency", _("frequency")
    VOLUME = "volume", _("volume")
    BASE_VOLUME = "base_volume", _("volume at base conditions")
    FLOW = "flow", _("flow")
    HEAT_ENERGY = "heat_energy", _("heat energy")
    HEAT_POWER = "heat_power", _("heat power")
    COOLING_ENERGY = "cooling_energy", _("cooling energy")
    FLOW_TEMPERATURE = "flow_temperature", _("flow temperature")
    RETURN_TEMPERATURE = "return_temperature", _("return temperature")
    TEMPERATURE = "temperature", _("temperature")
    PRESSURE = "pressure", _("pressure")
    BATTERY_VOLTAGE = "battery_voltage", _("battery voltage")
    BATTERY_LEVEL = "battery_level", _("battery level")
    SIGNAL = "signal", _("signal strength")
    ALLOCATION = "allocation", _("heat cost units")
    HUMIDITY = "humidity", _("relative humidity")


class Unit(models.TextChoices):
    """Base unit of the integers in the archive; the exponent scales it for people."""

    WH = "Wh", "Wh"
    VARH = "varh", "varh"
    W = "W", "W"
    VAR = "var", "var"
    V = "V", "V"
    A = "A", "A"
    HZ = "Hz", "Hz"
    M3 = "m3", "m³"
    M3H = "m3/h", "m³/h"
    CELSIUS = "degC", "°C"
    BAR = "bar", "bar"
    PERCENT = "%", "%"
    DBM = "dBm", "dBm"
    HCA = "HCA", "HCA"


class Accumulation(models.TextChoices):
    """IEC 61968-9 accumulation behaviour."""

    DELTA = "delta", _("amount in the interval")
    CUMULATIVE = "cumulative", _("register reading")
    INSTANTANEOUS = "instantaneous", _("value at an instant")


class Direction(models.TextChoices):
    """Flow direction as IEC 61968-9 names it; supply to the customer is forward."""

    NONE = "", _("none")
    FORWARD = "forward", _("import")
    REVERSE = "reverse", _("export")
