"""Import and export of tables: formats and the limits that keep a file from exhausting the server."""

IMPORT_EXPORT_USE_TRANSACTIONS = True
# Whoever may import or export is decided by the one door, see accounts.admin.base.
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = None
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = None
IMPORT_MAX_BYTES = 32 * 1024 * 1024
IMPORT_MAX_UNPACKED_BYTES = 256 * 1024 * 1024
IMPORT_MAX_ROWS = 100_000
IMPORT_MAX_COLUMNS = 200
EXPORT_MAX_ROWS = 200_000
