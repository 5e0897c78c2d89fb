"""Pages: what every page of the house is made with, whoever it is for.

One template environment, one set of headers, one way to choose a language, error pages in plain words. A room that
shows pages describes itself (`Room`) and is dressed (`dress`); nothing here knows which rooms there are. No page needs
JavaScript.
"""

from pages.errors import Head as Head
from pages.errors import dress as dress
from pages.errors import note_crash as note_crash
from pages.errors import refuse as refuse
from pages.errors import wear as wear
from pages.page import lang_of as lang_of
from pages.page import page as page
from pages.room import ASGI as ASGI
from pages.room import Room as Room
from pages.room import environment as environment
from pages.room import has_fonts as has_fonts
from pages.room import has_htmx as has_htmx
