"""The web's addresses: the sockets on which others listen for us, and whether they are ready.

We make the sockets and keep them open, so that whoever comes while a web process is replaced waits, and is not refused.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket

from house import process

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what to call when we listen to all
WAITING = 2048  # connections that nobody has taken yet


class Taken(Exception):
    """Nobody can listen there: one line that names the variable."""


def listen(host: str, port: int, patience: float = 0.0, variable: str = "JAWAB_PORT") -> list[socket.socket]:
    """A listening socket for each address of this name. Raises `Taken`, after so many seconds of trying."""
    made: list[socket.socket] = []
    problem: Taken | None = None

    def listens() -> bool:
        nonlocal problem
        try:
            made.extend(_listen(host, port))
        except OSError as refused:
            problem = Taken(_why(refused, host, port, variable))
            return False
        return True

    if not process.wait(listens, patience) and problem is not None:
        raise problem
    return made


def _listen(host: str, port: int) -> list[socket.socket]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):  # the second for what can be no name at all
        raise OSError(errno.EADDRNOTAVAIL, "no such name") from None
    made: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in found:
            made.append(socket.socket(family, kind, protocol))
            # As any web server does: connections that were just closed do not count as taken.
            made[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made[-1].bind(address)
            made[-1].listen(WAITING)
            made[-1].setblocking(False)
    except OSError:
        for one in made:
            one.close()
        raise
    return made


def _why(refused: OSError, host: str, port: int, variable: str) -> str:
    if refused.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken ({variable})"
    if refused.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine (JAWAB_HOST)"
    why = os.strerror(refused.errno) if refused.errno else str(refused)
    return f"port {port} on {host} cannot be used: {why} ({variable})"


def address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_ready(host: str, port: int) -> bool:
    line = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=2)
    try:
        line.request("GET", "/ready")
        return line.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
