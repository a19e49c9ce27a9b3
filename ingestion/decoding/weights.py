"""What the steps of rules cost, in microseconds or so, so that all kinds of work are bounded alike.

Measured on a core of 2.5 GHz; a telegram may cost `scope.MOST_WORK` of them.
"""

from __future__ import annotations

__all__ = ["CHECK", "ELEMENT", "EVENT", "ITEM_CHOICES", "OPERAND", "READING", "VALUE"]

# A reading, and each operand of its arithmetic, which is in fractions.
READING, OPERAND = 10, 4
# A value of a series.
VALUE = 3
EVENT = 5
# A condition's look at one field.
CHECK = 2
# An element of a repeated group or list, found by its name.
ELEMENT = 2
# An item is compared with so many alternatives of a match at the price of one more item.
ITEM_CHOICES = 2
