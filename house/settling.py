"""What our own PostgreSQL is told at each start, by its superuser, before anybody else is let in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from house import Failed, owner
from house.passwords import make_password, read_password
from house.postgres import OWNER, SUPERUSER

Connect = Callable[..., psycopg.Connection[Any]]


def settle(cluster: Path, sockets: str, database: str, password_file: Path, owners_file: Path) -> None:
    """Make owner and database once, and check once more by behaviour that it can search what people write.

    Raises `Failed`.
    """

    def connect(place: str, role: str = SUPERUSER) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=sockets,
            dbname=place,
            user=role,
            password=read_password(password_file),
            connect_timeout=5,
            autocommit=True,
        )

    try:
        _settle(connect, database, read_password(password_file), make_password(owners_file))
    except psycopg.OperationalError as refused:
        if "password authentication failed" in str(refused):  # waiting would not change it
            raise Failed(f"{password_file} is not the password of {cluster}") from None
        raise Failed(f"PostgreSQL did not stay: {refused}") from None  # it died again while we asked
    except psycopg.Error as refused:
        raise Failed(f"PostgreSQL did not stay: {refused}") from None
    if not _can_search(connect, database):
        raise Failed(f"the database in {cluster} cannot search Arabic script: it was not made with the locale C.UTF-8")


def _settle(connect: Connect, database: str, password: str, owners: str) -> None:
    if owner.is_superuser(lambda role: connect("postgres", role)):
        with connect("postgres", OWNER) as connection:
            _create(connection, database)
        owner.hand_over(lambda role: connect(database, role), password)
    with connect("postgres") as connection:
        connection.execute("set client_min_messages = warning")
        owner.make(connection, owners)
        _create(connection, database)
    with connect(database) as connection:
        connection.execute("set client_min_messages = warning")
        owner.shut_statistics(connection)
        owner.let_turn_log(connection)


def _can_search(connect: Connect, database: str) -> bool:
    try:
        with connect(database) as connection:
            connection.execute("set client_min_messages = warning")
            connection.execute("create extension if not exists pg_trgm")
            row = connection.execute("select show_trgm('پانی')").fetchone()
    except psycopg.Error as refused:
        raise Failed(f"PostgreSQL has no pg_trgm, without which cases cannot be searched: {refused}") from None
    return bool(row and row[0])


def _create(connection: psycopg.Connection[Any], database: str) -> None:
    if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
        made = sql.SQL("create database {} owner {}").format(sql.Identifier(database), sql.Identifier(OWNER))
        connection.execute(made)
