"""A stand-in's web server, on a thread and a loop of its own: it answers whatever the tested code does with its own."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Self

from aiohttp import web


class Server(ABC):
    """On loopback. What is stopped can be started again, at the port that it had."""

    port = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None

    @abstractmethod
    def app(self) -> web.Application:
        """What it answers with; made anew at each start, on the loop that it runs on."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, port: int = 0) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, ready), name=type(self).__name__, daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the stand-in did not start")
        return self

    def stop(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop = self._thread = None

    def __enter__(self) -> Self:
        return self if self._thread else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, port: int, ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        self._loop = loop
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        loop.run_until_complete(self._listen(runner, port))
        ready.set()
        try:
            loop.run_forever()
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(runner.cleanup())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _listen(self, runner: web.AppRunner, port: int) -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port or self.port, backlog=1024).start()
        self.port = runner.addresses[0][1]
