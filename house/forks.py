"""The forking parent: everything is imported once, then a child is forked for each order that comes along a line.

What a parent knows its forks know, so it is told nothing: no address, no secret. What a child needs comes to that child
alone, by a pipe, once the child is there. It opens nothing either: no thread, no loop, no connection.

A child is forked twice, so that it is the supervisor's own: it lives on when the forking parent dies, dies when the
supervisor does, and its end is told to the supervisor by the kernel.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import recv_fds, socket
from typing import Any, NoReturn

from house import domain
from house.beat import EVERY, Beat
from house.domain import Domain
from house.process import die_with_parent
from house.users import User

PR_SET_NAME = 15
MOST_DESCRIPTORS = 64
LONGEST = 64 * 1024
ADOPTED_WITHIN = 5.0  # seconds
POOL, BYTES_HEAD, MOST_FILLERS = 16 * 1024, 33, 100_000  # of Python's memory: bytes of one pool, of an empty `bytes`
GO = b"+"  # first of what a child is given: without it nobody stands behind it, and it ends
STANDING_BY = b'{"standing_by": true}'
_kept: list[object] = []
_prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before any fork


@dataclass(frozen=True)
class Task:
    """What a child is to do: `does` what, with which plain words, what it alone was given, and the sockets it inherits.

    `beat` is where its event loop shows that it lives.
    """

    name: str
    does: str
    words: Mapping[str, Any]
    given: bytes
    beat: Beat
    sockets: Mapping[str, Sequence[socket]] = field(default_factory=dict)


Run = Callable[[Task], int | None]


def name_process(name: str) -> None:
    """As `ps` and /proc/<pid>/comm show it: 15 letters."""
    _prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def serve(line: socket, beat: Beat, run: Run) -> None:
    """Fork a child for each order, until the line is closed. Call it without any thread or loop, all imports done."""
    gc.collect()
    gc.disable()
    _kept.extend(_fill_holes())
    gc.freeze()  # what was imported is never looked through again, so its pages stay shared
    domain.hide_memory()
    guarded = False
    line.send(STANDING_BY)
    while True:
        beat.strike()
        if not select.select([line], [], [], EVERY)[0]:
            continue
        message, descriptors, *_ = recv_fds(line, LONGEST, MOST_DESCRIPTORS)
        if not message:
            return
        order = json.loads(message)
        named = dict(zip(order["descriptors"], descriptors, strict=True))
        try:
            if not guarded:  # with the first child: what is to be shut is there by then
                user = _user(order)
                Domain(named.get("domain", -1)).enter(keep=user.needs if user else 0)
                guarded = True
            answer: dict[str, Any] = {"pid": _fork_twice(line, beat, order, named, run)}
        except OSError as refused:
            answer = {"refused": str(refused)}
        finally:
            for one in descriptors:
                os.close(one)
        line.send(json.dumps(answer).encode())


def _fill_holes() -> list[object]:
    """What takes up each place that is free between the small things which imports have left.

    A child's first objects would go there, a few on each page, and each page would be its own from then on. So they lie
    together on new ones: 16 MB of a lane's own instead of 20.
    """
    fillers: list[object] = []
    for size in range(48, 513, 16):
        before, in_a_row, most = 0, 0, len(fillers) + MOST_FILLERS
        while in_a_row < POOL // size // 2 and len(fillers) < most:
            fillers.append(made := bytes(size - BYTES_HEAD))
            in_a_row = in_a_row + 1 if id(made) == before + size else 0
            before = id(made)
    return fillers


def _fork_twice(line: socket, beat: Beat, order: dict[str, Any], named: Mapping[str, int], run: Run) -> int:
    """The process number of the child, which is by then the supervisor's own."""
    tells, told = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            child = os.fork()
            if child:
                os.write(told, str(child).encode())
        except OSError:
            os._exit(1)
        if child:
            os._exit(0)
        for one in (tells, told, beat.descriptor):
            os.close(one)
        line.close()
        _live(order, named, run)
    os.close(told)
    try:
        number = os.read(tells, 32)
    finally:
        os.close(tells)
        os.waitpid(between, 0)
    if not number:
        raise OSError("no process could be made")
    return int(number)


def _live(order: dict[str, Any], named: Mapping[str, int], run: Run) -> NoReturn:
    """The child's whole life."""
    code = 1
    try:
        _settle(order, named)
        given = _read(named["given"])
        if given.startswith(GO):
            sockets: dict[str, list[socket]] = {}
            for name in order["sockets"]:
                sockets.setdefault(name.partition(":")[0], []).append(socket(fileno=named[name]))
            beat = Beat(named["beat"])
            code = run(Task(order["name"], order["does"], order["words"], given[len(GO) :], beat, sockets)) or 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, the child ends here, and its log says why
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _settle(order: dict[str, Any], named: Mapping[str, int]) -> None:
    """A process of its own: session, name, log, guards; and the supervisor's child."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for taken, place in ((nothing, 0), (named["log"], 1), (named["log"], 2)):
        os.dup2(taken, place)
    for one in (nothing, named["log"]):
        os.close(one)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    name_process(order["name"])
    if user := _user(order):
        user.become()
    mine = Domain(named.get("domain", -1))
    mine.enter()
    mine.close()
    domain.hide_memory()
    gc.enable()
    deadline = time.monotonic() + ADOPTED_WITHIN
    while os.getppid() != order["supervisor"]:  # until the one between us has ended
        if time.monotonic() > deadline:
            os._exit(1)
        time.sleep(0.001)
    die_with_parent(signal.SIGKILL, order["supervisor"])


def _user(order: Mapping[str, Any]) -> User | None:
    """Whom the child becomes; None: it stays who we are."""
    return User(*order["user"]) if order["user"] else None


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as pipe:
        return pipe.read()
