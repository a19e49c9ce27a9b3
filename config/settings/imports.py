"""Import and export of tables: formats and the limits that keep a file from exhausting the server."""

from .base import VAR_DIR

IMPORT_EXPORT_USE_TRANSACTIONS = True
# Whoever may import or export is decided by the one door, see hierarchy.admin.tables.
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = None
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = None
# The audit's triggers see every row; the admin's own log would tell less.
IMPORT_EXPORT_SKIP_ADMIN_LOG = True

# A file larger than this is refused by its size, before it is opened.
IMPORT_MAX_BYTES = 32 * 1024 * 1024
# Reading an XLS takes the most time for its size.
IMPORT_MAX_XLS_BYTES = 12 * 1024 * 1024
# Of the sheets and texts of an XLSX together, and of its other parts each.
IMPORT_MAX_UNPACKED_BYTES = 160 * 1024 * 1024
IMPORT_MAX_PART_BYTES = 4 * 1024 * 1024
IMPORT_MAX_PARTS = 1_000
# Of all sheets of a file together.
IMPORT_MAX_ROWS = 100_000
IMPORT_MAX_CELLS = 2_500_000
IMPORT_MAX_COLUMNS = 200
IMPORT_MAX_SHEETS = 20
# Characters of one cell.
IMPORT_MAX_CELL_LENGTH = 2_000
# Uploads wait here, readable by the server only, until they are confirmed.
IMPORT_FOLDER = VAR_DIR / "imports"
IMPORT_CONFIRM_SECONDS = 3_600
# What a page shows; the file of errors holds up to the second number.
IMPORT_SHOWN_ERRORS = 1_000
IMPORT_KEPT_ERRORS = 20_000
# Of each kind of thing.
IMPORT_SHOWN_CHANGES = 25
EXPORT_MAX_ROWS = 200_000
