from . import device_types, meters, modules, reading_types, usage_points

__all__ = ["device_types", "meters", "modules", "reading_types", "usage_points"]
