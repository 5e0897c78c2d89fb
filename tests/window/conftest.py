"""The window is looked at in the same district, with the same people, as the desk works in."""

from tests.desk.conftest import elsewhere, office, opened, write

__all__ = ["elsewhere", "office", "opened", "write"]
