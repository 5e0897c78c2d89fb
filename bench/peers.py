"""What one would write first: the limit's turn behind FastAPI, twilio's own validator and one of three ways to a table.

    PEER=psycopg | core | orm  python -m uvicorn bench.peers:app

All three read the session under a lock and write the same rows as the limit, in one transaction. SQLAlchemy is used as
its handbook says, with psycopg below it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from twilio.request_validator import RequestValidator

URL = os.environ.get("LIMIT_URL", "")
DATABASE = os.environ.get("LIMIT_DATABASE", "")
validator = RequestValidator(os.environ.get("LIMIT_TOKEN", ""))
pool = AsyncConnectionPool(DATABASE, min_size=8, max_size=8, open=False)
engine = create_async_engine(
    sa.make_url(DATABASE or "postgresql://nobody@/none").set(drivername="postgresql+psycopg"), pool_size=8
)
maker = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Session(Base):
    __tablename__ = "session"
    phone: Mapped[str] = mapped_column(primary_key=True)
    node: Mapped[int]
    version: Mapped[int]


class Message(Base):
    __tablename__ = "message"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    sid: Mapped[str | None] = mapped_column(unique=True)
    phone: Mapped[str]
    outbound: Mapped[bool]
    body: Mapped[str]


async def by_psycopg(sid: str, phone: str, body: str) -> str:
    async with pool.connection() as connection:
        done = await connection.execute(
            "INSERT INTO message (sid, phone, outbound, body) VALUES (%s, %s, false, %s) ON CONFLICT (sid) DO NOTHING",
            (sid, phone, body),
        )
        if not done.rowcount:
            return ""
        row = await (
            await connection.execute("SELECT node FROM session WHERE phone = %s FOR UPDATE", (phone,))
        ).fetchone()
        node = row[0] + 1 if row else 0
        if row:
            await connection.execute(
                "UPDATE session SET node = %s, version = version + 1 WHERE phone = %s", (node, phone)
            )
        else:
            await connection.execute("INSERT INTO session VALUES (%s, 0, 0)", (phone,))
        text = f"question {node}"
        await connection.execute("INSERT INTO message (phone, outbound, body) VALUES (%s, true, %s)", (phone, text))
        return text


async def by_core(sid: str, phone: str, body: str) -> str:
    messages, sessions = Message.__table__, Session.__table__
    async with engine.begin() as connection:
        first = {"sid": sid, "phone": phone, "outbound": False, "body": body}
        done = await connection.execute(insert(messages).values(first).on_conflict_do_nothing())  # type: ignore[arg-type]
        if not done.rowcount:
            return ""
        found = await connection.execute(sa.select(sessions.c.node).where(sessions.c.phone == phone).with_for_update())
        row = found.first()
        node = row[0] + 1 if row else 0
        if row:
            move = sa.update(sessions).where(sessions.c.phone == phone)  # type: ignore[arg-type]
            await connection.execute(move.values(node=node, version=sessions.c.version + 1))
        else:
            await connection.execute(sa.insert(sessions).values(phone=phone, node=0, version=0))  # type: ignore[arg-type]
        text = f"question {node}"
        await connection.execute(sa.insert(messages).values(phone=phone, outbound=True, body=text))  # type: ignore[arg-type]
        return text


async def by_orm(sid: str, phone: str, body: str) -> str:
    db: AsyncSession
    async with maker() as db, db.begin():
        if await db.scalar(sa.select(Message.id).where(Message.sid == sid)) is not None:
            return ""
        db.add(Message(sid=sid, phone=phone, outbound=False, body=body))
        session = await db.get(Session, phone, with_for_update=True)
        if session is None:
            session = Session(phone=phone, node=0, version=0)
            db.add(session)
        else:
            session.node, session.version = session.node + 1, session.version + 1
        text = f"question {session.node}"
        db.add(Message(phone=phone, outbound=True, body=text))
    return text


WAYS: dict[str, Callable[[str, str, str], Awaitable[str]]] = {
    "psycopg": by_psycopg,
    "core": by_core,
    "orm": by_orm,
}
way = WAYS[os.environ.get("PEER", "psycopg")]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await pool.open(wait=True)
    yield
    await pool.close()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/in/twilio")
async def hook(request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))  # request.form() costs twice that
    if not validator.validate(URL, form, request.headers.get("x-twilio-signature", "")):
        return Response(status_code=403)
    text = await way(form["MessageSid"], form["From"], form["Body"])
    return Response(f"<Response><Message>{text}</Message></Response>", media_type="text/xml")
