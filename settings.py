"""The only reader of the environment. Entry points read it once and pass values down."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

TWILIO_API = "https://api.twilio.com"
TELEGRAM_API = "https://api.telegram.org"
Part = Literal["all", "citizen", "desk", "custody"]  # what one web process serves
PAIRS = (
    ("twilio_account_sid", "twilio_auth_token"),
    ("telegram_token", "telegram_secret"),
    ("smtp_host", "smtp_from"),
    ("smtp_user", "smtp_password"),
)
# Whoever guesses one of these can speak as the provider.
WEAK_IF_SHORT = ("twilio_auth_token", "telegram_secret")
TOKEN_LEAST, TOKEN_SIGNS = 20, 8


class Misconfigured(SystemExit):
    """The environment is not usable: one line that names the value, exit status 2."""

    def __init__(self, line: str) -> None:
        super().__init__(2)
        self.line = line

    def __str__(self) -> str:
        return self.line


class Settings(BaseSettings):
    """Every value the system takes from outside, by its name in the environment (`JAWAB_` + the field in capitals)."""

    model_config = SettingsConfigDict(env_prefix="JAWAB_", extra="ignore", frozen=True, env_ignore_empty=True)

    mode: Literal["demo", "live"] = "live"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    desk_port: int = Field(default=0, ge=0, le=65535)  # 0: the next after `port`, and after that one
    custody_port: int = Field(default=0, ge=0, le=65535)
    public_url: str = ""
    desk_url: str = ""
    custody_url: str = ""
    proxy: str = ""
    data: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""

    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_api_url: str = TWILIO_API

    telegram_token: str = ""
    telegram_secret: str = ""
    telegram_api_url: str = TELEGRAM_API

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_from: str = ""

    metrics_token: str = ""

    # In each process of the citizen's door, at least three quarters of them at any time: bot/intake/drawer.py
    codes_ready: int = Field(default=128, ge=1, le=1024)

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("public_url", "desk_url", "custody_url", "twilio_api_url", "telegram_api_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
            usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:  # a port of letters, half an IPv6 address
            usable = False
        if not usable or re.search(r"[\s?#@]", value):
            raise ValueError("must be a web address such as https://jawab.example.pk")
        return value.rstrip("/")

    @field_validator("proxy")
    @classmethod
    def _proxies(cls, value: str) -> str:
        for one in filter(None, (part.strip() for part in value.split(","))):
            try:
                network = ip_network(one)
            except ValueError:
                raise ValueError("must be addresses or networks such as 127.0.0.1, 10.0.0.0/24") from None
            if network.prefixlen == 0:
                raise ValueError("must name the proxies; trusting everybody is trusting nobody's address")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value:
            return value
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        from psycopg import ProgrammingError  # noqa: PLC0415 - the supervisor of an embedded database needs no client
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

        try:
            ports = str(conninfo_to_dict(value).get("port") or "5432").split(",")
        except ProgrammingError:  # its own words may quote the password
            ports = [""]
        if not all(port.isdecimal() for port in ports):
            raise ValueError("is no address of a database, such as postgresql://user:password@host:5432/jawab")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if not value:
            return value
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        try:
            parts = urlsplit(value)
            usable = parts.scheme == "unix" or (parts.port != 0 and re.fullmatch(r"/?|/[0-9]{1,2}", parts.path))
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("is no address of a Redis, such as redis://user:password@host:6379/0")
        return value

    @field_validator("telegram_token")
    @classmethod
    def _bot(cls, value: str) -> str:
        if value and not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}", value):
            raise ValueError("must be the bot's number, a colon and its password, as @BotFather gave them")
        return value

    @field_validator("telegram_secret")
    @classmethod
    def _hook(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value):
            raise ValueError("must be 1 to 256 of A-Z a-z 0-9 _ -")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _metrics(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9_.~+/=-]{32,256}", value):
            raise ValueError("must be 32 to 256 letters and digits, such as `openssl rand -hex 32` prints")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+", value):
            raise ValueError("must be an e-mail address such as jawab@example.pk")
        return value

    @field_validator("twilio_account_sid")
    @classmethod
    def _account(cls, value: str) -> str:
        if value and not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
            raise ValueError("must be AC and 32 hexadecimal digits")
        return value

    @model_validator(mode="after")
    def _pairs(self) -> Settings:
        # An empty token would make every signature checkable by anybody.
        for one, other in PAIRS:
            if bool(getattr(self, one)) != bool(getattr(self, other)):
                raise ValueError(f"JAWAB_{one.upper()} and JAWAB_{other.upper()} go together: one of them is missing")
        return self

    @model_validator(mode="after")
    def _ports(self) -> Settings:
        ports = [self.port_of(part) for part in ("citizen", "desk", "custody")]
        if self.divided and (len(set(ports)) < len(ports) or max(ports) > 65535):
            raise ValueError("JAWAB_PORT, JAWAB_DESK_PORT and JAWAB_CUSTODY_PORT must be three ports up to 65535")
        return self

    @property
    def divided(self) -> bool:
        """Whether citizen, desk and custody are a process each. A demo has one address, so one process serves all."""
        return not self.demo

    def port_of(self, part: Part) -> int:
        """Where this part listens."""
        if not self.divided:
            return self.port
        return {"desk": self.desk_port or self.port + 1, "custody": self.custody_port or self.port + 2}.get(
            part, self.port
        )

    def url_of(self, part: Part) -> str:
        """What people's browsers call this part by."""
        if not self.divided or part not in {"desk", "custody"}:
            return self.base_url
        if given := {"desk": self.desk_url, "custody": self.custody_url}[part]:
            return given
        parts = urlsplit(self.base_url)
        host = parts.hostname or self.host
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{self.port_of(part)}"

    @model_validator(mode="after")
    def _live(self) -> Settings:
        """Outside demo mode nothing is signed with a word that is guessed, and nothing private goes in clear."""
        if self.mode == "demo":
            return self
        for name in WEAK_IF_SHORT:
            token = getattr(self, name)
            if token and (len(token) < TOKEN_LEAST or len(set(token)) < TOKEN_SIGNS):
                raise ValueError(
                    f"JAWAB_{name.upper()} is too easy to guess for live mode: at least {TOKEN_LEAST} letters and"
                    " digits, as the provider gave them or as `openssl rand -hex 20` makes them"
                )
        named: dict[Part, str] = {"citizen": "PUBLIC", "desk": "DESK", "custody": "CUSTODY"}
        for part, name in named.items():
            parts = urlsplit(self.url_of(part))
            if parts.scheme == "http" and not _is_here(parts.hostname or ""):
                raise ValueError(
                    f"JAWAB_{name}_URL must be https in live mode: passwords and cases would travel readable to"
                    f" {parts.hostname}"
                )
        return self

    @property
    def demo(self) -> bool:
        return self.mode == "demo"

    @property
    def has_mail(self) -> bool:
        return bool(self.smtp_host)

    @property
    def base_url(self) -> str:
        """What providers call and what signatures are checked against."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def trial(self) -> bool:
        """A demo that talks to a real provider: real people may write to it, so it must say what it is."""
        return self.demo and (
            (bool(self.twilio_account_sid) and self.twilio_api_url == TWILIO_API)
            or (bool(self.telegram_token) and self.telegram_api_url == TELEGRAM_API)
        )

    @property
    def key_file(self) -> Path:
        return self.data / "keys" / "master.key"

    @property
    def running_file(self) -> Path:
        """Written by the supervisor (0600): where the embedded parts of this folder are now."""
        return self.data / "run" / "running.json"


def _is_here(host: str) -> bool:
    """Whether a name never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load(**given: Any) -> Settings:
    """Read the environment; where it names no database or Redis, find the embedded parts running under `data`.

    Raises `Misconfigured` with one line that names the first unusable value.
    """
    try:
        settings = Settings(**given)
    except ValidationError as refused:
        first = refused.errors()[0]
        name = f"JAWAB_{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise Misconfigured(f"jawab: {name}{str(first['msg']).removeprefix('Value error, ')}") from None
    if settings.database_url and settings.redis_url:
        return settings
    return _filled(settings, ("database_url", "redis_url"))


def _filled(settings: Settings, names: tuple[str, ...]) -> Settings:
    """With what the running system of this folder has of these, where nothing was given."""
    found: dict[str, str] = {}
    try:
        if settings.running_file.is_file():
            found = json.loads(settings.running_file.read_text())
    except OSError as unread:
        raise Misconfigured(f"jawab: JAWAB_DATA: {unread.strerror}: {settings.running_file}") from None
    except ValueError:
        found = {}  # half a file says nothing
    missing = {name: found[name] for name in names if not getattr(settings, name) and found.get(name)}
    return settings.model_copy(update=missing) if missing else settings


def running(settings: Settings) -> dict[str, Any]:
    """What `jawab up` says of itself in this folder; {} where it does not run."""
    try:
        found: dict[str, Any] = json.loads(settings.running_file.read_text())
    except (OSError, ValueError):
        return {}
    return found


def load_to_start() -> Settings:
    """`load`, for `jawab up`: a demo is called by its own address."""
    here = load()
    return here.model_copy(update={"public_url": here.base_url}) if here.demo and not here.public_url else here


def parts_of(here: Settings) -> tuple[Part, ...]:
    """Of which parts the web is made, each with a port of its own."""
    return ("citizen", "desk", "custody") if here.divided else ("all",)


def load_running() -> Settings:
    """`load`, for what works on a system that is there. Raises `Misconfigured` without a database or a key file.

    It was started in another shell, maybe: what providers call is as it was said there, unless it is said here.
    """
    here = load()
    if not here.database_url:
        raise Misconfigured("jawab: nothing runs in this folder: start `jawab up`, or set JAWAB_DATABASE_URL")
    if not here.key_file.is_file():
        raise Misconfigured(f"jawab: no key file at {here.key_file} (JAWAB_DATA)")
    return _filled(here, ("public_url",))
