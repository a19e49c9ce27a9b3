"""What can be imported and exported: each kind alone, all in one wide sheet, or in several."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from hierarchy.tables.nodes import NodeStage
from hierarchy.tables.resources import TableResource
from meters.models import Installation, Meter, TelemetryModule, UsagePoint

from .columns import (
    INSTALLATIONS_LAYOUT,
    METERS_LAYOUT,
    MODULES_LAYOUT,
    USAGE_POINTS_LAYOUT,
    WIDE_LAYOUT,
    WORKBOOK_LAYOUTS,
)
from .exports import EXPORTS, WORKBOOK_EXPORTS
from .installations import InstallationStage
from .meters import MeterStage
from .modules import ModuleStage
from .usage_points import UsagePointStage
from .wide import WIDE_EXPORT

__all__ = [
    "InstallationResource",
    "MeterResource",
    "ModuleResource",
    "UsagePointResource",
    "WideResource",
    "WorkbookResource",
]

_STAGES = (NodeStage, UsagePointStage, ModuleStage, MeterStage, InstallationStage)


class UsagePointResource(TableResource):
    label = _("Usage points")
    layouts = (USAGE_POINTS_LAYOUT,)
    stages = (NodeStage, UsagePointStage)
    exports = (EXPORTS[UsagePoint],)


class ModuleResource(TableResource):
    label = _("Telemetry modules")
    layouts = (MODULES_LAYOUT,)
    stages = (NodeStage, ModuleStage)
    exports = (EXPORTS[TelemetryModule],)


class MeterResource(TableResource):
    label = _("Meters")
    layouts = (METERS_LAYOUT,)
    stages = (NodeStage, ModuleStage, MeterStage)
    exports = (EXPORTS[Meter],)


class InstallationResource(TableResource):
    label = _("Installations")
    layouts = (INSTALLATIONS_LAYOUT,)
    stages = _STAGES
    exports = (EXPORTS[Installation],)


class WideResource(TableResource):
    label = _("Everything in one wide sheet")
    layouts = (WIDE_LAYOUT,)
    stages = _STAGES
    exports = (WIDE_EXPORT,)
    of_list = False


class WorkbookResource(TableResource):
    label = _("Everything in several sheets")
    layouts = WORKBOOK_LAYOUTS
    stages = _STAGES
    exports = WORKBOOK_EXPORTS
    of_list = False
