"""A stored message as the text of one language on one channel."""

from __future__ import annotations

from typing import Any

from locales import values as typed
from locales.catalogs import find
from locales.channels import CHANNELS
from locales.values import Value, Values


class _Filled(dict[str, str]):
    """Values by placeholder; one that was not given reads as nothing, since a gap is better than no answer."""

    def __missing__(self, name: str) -> str:
        return ""


def fill(key: str, lang: str, values: Values, *, isolates: bool) -> str:
    """The text of `key` with its typed values written for a reader of `lang`."""
    text = find(key, lang)
    if "{" not in text:
        return text

    def say_value(inner: str, reader: str, more: Values) -> str:
        return fill(inner, reader, more, isolates=isolates)

    return text.format_map(
        _Filled({name: typed.write(value, lang, isolates=isolates, say=say_value) for name, value in values.items()})
    )


def say(key: str, lang: str, /, **values: Value) -> str:
    """The text of `key` in `lang` (else Urdu, else English) for a page; for a channel's messages use `render`."""
    return fill(key, lang, values, isolates=True)


def render_options(message: dict[str, Any], lang: str, channel: str) -> list[tuple[str, str]]:
    """The (digit, text) of every option of a stored message, for buttons and list rows."""
    isolates = CHANNELS[channel].isolates
    return [
        (digit, fill(key, lang, values, isolates=isolates)) for digit, key, values, *_ in message.get("options", ())
    ]


def render_buttons(message: dict[str, Any], lang: str, channel: str) -> list[tuple[str, str]]:
    """The (carried, text) of every option that can be tapped, in the options' order; see flows.taps."""
    isolates = CHANNELS[channel].isolates
    return [
        (carried[0], fill(key, lang, values, isolates=isolates))
        for _, key, values, *carried in message.get("options", ())
        if carried
    ]


def render(message: dict[str, Any], lang: str, channel: str) -> str:
    """A stored message as text: `{"says": [[key, values], …], "options": [[digit, key, values, …], …], "text"?}`.

    One line or more for each text, then what a handler typed (or after `text_after` of the texts), then the options as
    `1 …` lines. KeyError for a channel that is not in CHANNELS.
    """
    isolates = CHANNELS[channel].isolates
    lines = [fill(key, lang, values, isolates=isolates) for key, values in message.get("says", ())]
    lines.insert(message.get("text_after", len(lines)), message.get("text") or "")
    lines += [f"{digit} {text}" for digit, text in render_options(message, lang, channel)]
    return "\n".join(line for line in lines if line)
