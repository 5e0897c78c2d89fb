"""The house of parts: a real PostgreSQL and a real Valkey of our own, and the supervisor that keeps them alive.

It knows nothing of the other rooms; what it needs is passed to it.
"""


class Failed(RuntimeError):
    """A part cannot start. The message begins with one line for the operator; the end of a log may follow it."""


class GivenUp(Failed):
    """Somebody asked us to stop while a part was still starting."""
