"""Import and export of usage points, modules, meters and installations."""
