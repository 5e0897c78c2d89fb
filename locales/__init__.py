"""What we say, in every language: texts by key, typed values, channel limits, matching keys and the state of review.

The lowest room: it imports nothing of the others, and knows no clock, database or network.
"""

from locales.catalogs import UnknownText, missing, strict
from locales.digits import digits
from locales.fold import fold
from locales.languages import ALL_LANGS, LANGS, direction, own_name
from locales.renamed import current
from locales.render import render, render_buttons, render_options, say
from locales.reviews import review_state

__all__ = [
    "ALL_LANGS",
    "LANGS",
    "UnknownText",
    "current",
    "digits",
    "direction",
    "fold",
    "missing",
    "own_name",
    "render",
    "render_buttons",
    "render_options",
    "review_state",
    "say",
    "strict",
]
