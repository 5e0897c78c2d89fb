"""What an edition will cost before it goes out: messages, SMS parts, and money where the rates are known. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from broadcast import renderings
from broadcast.edition import Item
from broadcast.renderings import Heading
from cases import cost
from cases.cost import Bill, Sent
from locales.channels import CHANNELS
from locales.templates import TEMPLATES, WEEKLY


def of_edition(
    items: Sequence[Item],
    heading: Heading,
    readers: Mapping[tuple[str, str], int],
    providers: Mapping[str, str],
    on: date,
) -> Bill:
    """For `readers` by (kind of channel, language) and who carries each kind. The dearest case: nobody has just
    written, so that a channel with a window sends a template."""
    return cost.reckon(
        (
            Sent(
                providers.get(kind, kind),
                kind,
                TEMPLATES[WEEKLY].category.lower() if CHANNELS[kind].window_hours else cost.ANY,
                number,
                parts=renderings.parts(renderings.compose(items, heading, lang or "ur", kind), lang or "ur", kind)
                if CHANNELS[kind].parts
                else 1,
            )
            for (kind, lang), number in readers.items()
        ),
        on,
    )
