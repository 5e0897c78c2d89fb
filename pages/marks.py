"""Signs that are not seen but change what is read: shown as marks, so that a page says what a message says.

A sender can turn a line around, hide words or send a terminal's commands. What scripts need (the joiners of Urdu and
Pashto, line ends) stays.
"""

from __future__ import annotations

import re

# Turns of direction, invisible spaces and signs, ends of line of other systems, commands of terminals, tags.
_HIDDEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_NAMES = {
    "\x1b": "ESC",
    "\u200b": "ZWSP",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
}


def mark(text: str) -> str:
    """The words with each hidden sign as ⟦RLO⟧, or ⟦U+200D⟧ where it has no short name."""
    return _HIDDEN.sub(lambda found: f"⟦{_NAMES.get(found[0]) or f'U+{ord(found[0]):04X}'}⟧", text)
