"""People who report, as many messages a second as they are told, through a provider that tries again as Twilio does."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from locales import LANGS
from tests.answers import typed
from tests.chaos import retries
from tests.custody.reports import MARK
from tests.providers.taken import Taken
from tests.providers.twilio import FakeTwilio
from tests.town import OURS, STORIES

WHATSAPP = 0.6  # of all people; the others write SMS
SEALED = 0.2  # of all people: what they tell is about a person, and stays behind the door
COPIED = 0.1  # of all messages: posted two or three times at once
KEPT = 0.5  # of all posts go through a connection that is kept, the others through one of their own
THINKS = 2.0  # seconds between two messages of one person, so that many are in the middle of a report
WRITES_AGAIN = 20.0  # seconds after which somebody whose message was never accepted says it once more


@dataclass(eq=False)
class Citizen:
    """Somebody with a report to make; `turn` is what they say next, `heard` how often they were answered."""

    phone: str
    whatsapp: bool
    sealed: bool
    turns: list[str]
    turn: int = 0
    heard: int = 0
    said: list[Message] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"whatsapp:{self.phone}" if self.whatsapp else self.phone

    @property
    def done(self) -> bool:
        return self.turn == len(self.turns) and self.heard >= self.turn


@dataclass(eq=False)
class Message:
    """One message; its posts and copies have the same id."""

    sid: str
    begun: float
    accepted: float | None = None  # when the first 200 came
    given_up: bool = False
    answered: float | None = None  # when its reply was at the provider


@dataclass(frozen=True, slots=True)
class Try:
    """One post: when it ended, and how; 0 where there was no answer."""

    at: float
    status: int


class Crowd:
    """All of them, on a loop of their own. Moments are of `time.monotonic`."""

    def __init__(self, url: str, provider: FakeTwilio, rate: float, seed: int) -> None:
        self.url, self.provider, self.rate = f"{url}/in/twilio", provider, rate
        self.people: list[Citizen] = []
        self.messages: list[Message] = []
        self.accepted: list[float] = []  # of each message once, in order
        self.tries: list[Try] = []
        self._dice = random.Random(seed)
        self._ready: deque[Citizen] = deque()
        self._by_address: dict[str, Citizen] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._live(),), name="citizens")
        self._at_work: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self.provider.listeners.append(lambda taken: self._loop.call_soon_threadsafe(self._hear, taken))
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Nobody new comes, and those in the middle of a report end it; after so long whoever is left stays silent."""
        self._closing = True
        deadline = time.monotonic() + seconds
        while self._by_address and time.monotonic() < deadline:
            time.sleep(0.1)
        self.stop()

    def stop(self) -> None:
        """Nobody says anything more; what was said is posted to its end."""
        self._stop.set()
        self._thread.join()

    # ── who speaks ───────────────────────────────────────────────────────────────────────────────────────────────
    async def _live(self) -> None:
        whole = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(timeout=whole, connector=aiohttp.TCPConnector(limit=0)) as kept,
            aiohttp.ClientSession(timeout=whole, connector=aiohttp.TCPConnector(limit=0, force_close=True)) as new,
        ):
            due = time.monotonic()
            while not self._stop.is_set():
                if (speaks := self._next()) is not None:
                    self._go(self._say(speaks, (kept, new)))
                due += self._dice.uniform(0.5, 1.5) / self.rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            while self._at_work:
                await asyncio.wait(self._at_work)

    def _next(self) -> Citizen | None:
        """Whoever has waited longest since they were answered; somebody new where too few are in the middle of it."""
        if self._ready and (self._closing or len(self._by_address) >= THINKS * self.rate):
            return self._ready.popleft()
        if self._closing:
            return None
        lang = LANGS[len(self.people) % len(LANGS)]
        phone = f"+92397{len(self.people):07d}"
        whatsapp, sealed = (self._dice.random() < share for share in (WHATSAPP, SEALED))
        made = Citizen(phone, whatsapp, sealed, list(SCRIPTS[lang]))
        if sealed:
            made.turns = [turn.replace(MARK, mark(made)) for turn in BEHIND[lang]]
        self.people.append(made)
        self._by_address[made.address] = made
        return made

    def _hear(self, taken: Taken) -> None:
        citizen = self._by_address.get(taken.to)
        if citizen is None:
            return
        citizen.heard += 1
        if citizen.said and citizen.said[-1].answered is None:
            citizen.said[-1].answered = time.monotonic()
        self._go_on(citizen)

    def _go_on(self, citizen: Citizen) -> None:
        if citizen.done:
            self._by_address.pop(citizen.address, None)
        elif citizen.heard >= citizen.turn > 0 and citizen not in self._ready:
            self._ready.append(citizen)

    # ── what the provider does with it ───────────────────────────────────────────────────────────────────────────
    async def _say(self, citizen: Citizen, sessions: tuple[aiohttp.ClientSession, aiohttp.ClientSession]) -> None:
        ours = f"whatsapp:{OURS}" if citizen.whatsapp else OURS
        fields = self.provider.message(citizen.address, ours, citizen.turns[citizen.turn])
        body, headers = self.provider.signed(self.url, fields)
        message = Message(fields["MessageSid"], time.monotonic())
        self.messages.append(message)
        citizen.said.append(message)
        citizen.turn += 1
        copies = self._dice.choice((2, 3)) if self._dice.random() < COPIED else 1
        chosen = [sessions[self._dice.random() >= KEPT] for _ in range(copies)]
        await asyncio.gather(*(self._post(session, message, body, headers) for session in chosen))
        if message.accepted is None:
            message.given_up = True
            await self._say_again(citizen)

    async def _say_again(self, citizen: Citizen) -> None:
        """Who was never accepted waits for an answer, which may come all the same, and then writes it again."""
        deadline = time.monotonic() + WRITES_AGAIN
        while citizen.heard < citizen.turn and not self._stop.is_set():
            if time.monotonic() > deadline:
                citizen.turn -= 1
                self._ready.append(citizen)
                return
            await asyncio.sleep(0.25)

    async def _post(
        self, session: aiohttp.ClientSession, message: Message, body: bytes, headers: Mapping[str, str]
    ) -> None:
        begun, made = time.monotonic(), 0
        while True:
            status = 0
            try:
                async with asyncio.timeout(retries.patience(time.monotonic() - begun)):
                    async with session.post(self.url, data=body, headers=headers) as got:
                        status = got.status
                        await got.read()
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            made += 1
            now = time.monotonic()
            self.tries.append(Try(now, status))
            if status == 200:
                if message.accepted is None:
                    message.accepted = now
                    self.accepted.append(now)
                return
            if (waits := retries.pause(made, now - begun)) is None:
                return
            await asyncio.sleep(waits)

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)


def mark(citizen: Citizen) -> str:
    """The words that only this one writes."""
    return f"{MARK} {citizen.phone.removeprefix('+')}"


SCRIPTS = {lang: typed(lang=lang, story=STORIES[lang]) for lang in LANGS}
BEHIND = {lang: typed(lang=lang, kind="person", story=f"{STORIES[lang]} {MARK}", message="no") for lang in LANGS}
