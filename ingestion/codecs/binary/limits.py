"""What a definition and a telegram may cost: no definition can hang or exhaust the process."""

from __future__ import annotations

# A definition: fields after references are put in, and how deep they nest.
MAX_FIELDS = 20_000
MAX_DEPTH = 24
# One list of a field: polynomial, transform, parts of a text, conditions.
MAX_STAGES = 64
# A formula: characters, nodes of its tree, powers, bits of a whole number on the way.
MAX_FORMULA = 1_000
MAX_NODES = 200
MAX_POWER = 64
MAX_BITS = 4_096
# A telegram: bytes, values, and fields visited inside repeats and tag loops.
MAX_OCTETS = 65_536
MAX_ITEMS = 4_096
MAX_WORK = 100_000
# What costs more than a field, in fields (of about 3 µs): functions that are worked out to 50
# digits; and how much of what is less than a field costs one.
DEAR = {"pow": 15, "log": 7, "log10": 7, "sqrt": 2}
NODES_A_FIELD = 16
CHECKS_A_FIELD = 3
PATTERNS_A_FIELD = 4
NAMES_A_FIELD = 8
RANGES_A_FIELD = 64
NAMES_COPIED_A_FIELD = 500
SUMMED_A_FIELD = 32
# Elements of one repeat where the definition sets no `max`, as the language says.
DEFAULT_REPEAT = 1_000
# Widest whole number or packed bits of one field, in bits, and places after the point.
MAX_WIDTH = 64
MAX_DECIMALS = 30
# Characters of a name, and of a text that a definition puts between or around values.
MAX_NAME = 200
