"""A mail server on loopback that speaks SMTP, keeps what it took, and can refuse or break off at any step."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage


class FakeMail:
    """`says` overrides the answer to a verb ("RCPT": "550 nobody"); `cut` closes the line after the message came."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.says: dict[str, str] = {}
        self.cut = False
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = ""

        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        say(self.says.get("HELLO", "220 here"))
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                to = line.partition("<")[2].rstrip(">")
            if verb == "DATA" and "DATA" not in self.says:
                say("354 go on")
                body = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
                message = message_from_bytes(body.replace(b"\r\n..", b"\r\n."), policy=policy.default)
                assert isinstance(message, EmailMessage)
                self.taken.append((to, message))
                if self.cut:
                    break
                say("250 taken")
                continue
            say(self.says.get(verb, "221 bye" if verb == "QUIT" else "250 ok"))
            if verb == "QUIT":
                break
        writer.close()
