"""Questions to the web address from outside: may we take the port, and is the web process ready?"""

from __future__ import annotations

import errno
import http.client
import os
import socket

from house import process

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what to call when we listen to all


def port_problem(host: str, port: int, patience: float = 0.0, variable: str = "JAWAB_PORT") -> str | None:
    """Why the web process could not listen there: one line that names the variable, or None."""
    problem: str | None = None

    def free() -> bool:
        nonlocal problem
        problem = _try_port(host, port, variable)
        return problem is None

    process.wait(free, patience)
    return problem


def _try_port(host: str, port: int, variable: str) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):  # the second for what can be no name at all
        return f"{host} is not an address of this machine (JAWAB_HOST)"
    with socket.socket(family, kind, protocol) as trial:
        # As the web server itself does: connections that were just closed do not count as taken.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
            trial.listen(1)
        except OSError as refused:
            if refused.errno == errno.EADDRINUSE:
                return f"port {port} on {host} is taken ({variable})"
            if refused.errno == errno.EADDRNOTAVAIL:
                return f"{host} is not an address of this machine (JAWAB_HOST)"
            why = os.strerror(refused.errno) if refused.errno else str(refused)
            return f"port {port} on {host} cannot be used: {why} ({variable})"
    return None


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
