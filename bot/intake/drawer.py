"""Fresh case codes whose hashes lie ready: nobody waits for one, and no wait tells who is behind the door.

A hash costs 0.1 s of a processor and 64 MiB. A report draws its code together with the hash, an ordinary one and a
protected one alike, and the session keeps both for as long as it keeps the code. They lie in the memory of this process
alone: a row would tie a code to the moment it was made. So each start reckons them anew; `codes_ready` is the
burst that finds one, for 0.15 s each of a processor's idle time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from cases.fresh import fresh_code
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab

AT_ONCE = 2  # hashes reckoned while somebody waits: 128 MiB
IDLE = 19  # how far the filling thread stands back behind whatever else has to be done


@dataclass(frozen=True, slots=True)
class Fresh:
    """A code that nobody has been given yet; `hash` is None where the drawer was empty."""

    code: str
    hash: bytes | None
    spare: tuple[str, str]  # two more without a hash: none is given before `code` is


def _fresh(hashed: Callable[[str], bytes] | None = None) -> Fresh:
    code = fresh_code()
    return Fresh(code, hashed(code) if hashed else None, (fresh_code(), fresh_code()))


class Drawer:
    """Codes with their hashes, drawn by the turns of one loop and filled by one thread."""

    def __init__(self, keys: Keys, size: int) -> None:
        self._keys, self._size = keys, size
        self._ready: deque[Fresh] = deque()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._taken, self._closed = threading.Event(), threading.Event()

    def draw(self) -> Fresh:
        """One from the drawer; where it is empty, one whose hash is reckoned by `hash` once it is used."""
        try:
            return self._ready.popleft()
        except IndexError:
            return _fresh()
        finally:
            # Most turns put theirs back. A thread that stands back behind all else is not woken for them: once it has
            # the interpreter's lock, the turn that wants it waits until nobody else wants the processor.
            if len(self._ready) <= self._size * 3 // 4:
                self._taken.set()

    def put_back(self, unused: Fresh) -> None:
        """It was given to nobody: the next may have it."""
        if unused.hash is not None:
            self._ready.append(unused)

    async def hash(self, code: str) -> bytes:
        """Reckon a hash while somebody waits for it: a code that was typed, or one that did not lie ready."""
        async with self._gate:
            return await asyncio.to_thread(self._keys.hash_code, code)

    async def open_key(self, code: str) -> bytes:
        """What a typed code opens by itself, as slow as its hash: whoever looks one up waits for both."""
        async with self._gate:
            return await asyncio.to_thread(self._keys.code_key, code)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Keep it full by a thread that takes only time which nobody else wants."""
        thread = threading.Thread(target=self._fill, name="drawer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            self._taken.set()
            thread.join()

    def _fill(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), IDLE)
        while True:
            self._taken.clear()  # before anything is looked at: what is said after it is heard
            if self._closed.is_set():
                return
            if len(self._ready) < self._size:
                self._ready.append(_fresh(self._keys.hash_code))
            else:
                self._taken.wait()


# By database, as what is known of districts.
_of: WeakKeyDictionary[Database, Drawer] = WeakKeyDictionary()


def of(jawab: Jawab) -> Drawer:
    """The drawer of this process."""
    found = _of.get(jawab.db)
    if found is None:  # a drawer has locks: none is made for each turn to be thrown away
        found = _of[jawab.db] = Drawer(jawab.keys, jawab.settings.codes_ready)
    return found
