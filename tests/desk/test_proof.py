"""A protected handler shows that their key opens what is sealed to them."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

from cases.protected import proving
from store import crypto
from store.jawab import Jawab
from tests.desk.conftest import Enter, Hire, One


async def test_whoever_opens_their_test_item_has_shown_it_and_a_new_key_has_to_be_shown_again(
    enter: Enter, demo: SimpleNamespace, hire: Hire, one: One, jawab: Jawab
) -> None:
    reader, private = await hire("protected", None)
    public = (await one("SELECT public_key FROM staff WHERE id = %s", reader))["public_key"]
    browser = await enter("protected", reader, private)
    assert (await browser.post("/desk/protected/proof")).status_code == 409, "there is none yet"
    await _put(jawab, reader, bytes(public))
    assert await _shown(jawab, reader, bytes(public)) == set()
    answer = await browser.post("/desk/protected/proof")
    assert answer.status_code == 200
    assert "It opened" in answer.text
    assert await _shown(jawab, reader, bytes(public)) == {reader}
    other = crypto.new_keypair()[1]
    await _put(jawab, reader, other)
    assert await _shown(jawab, reader, other) == set()
    assert (await browser.post("/desk/protected/proof")).status_code == 409
    assert (await (await enter("handler")).post("/desk/protected/proof")).status_code == 404


async def _put(jawab: Jawab, reader: UUID, public: bytes) -> None:
    async with jawab.db.transaction("custody") as tx:
        await proving.put(tx, {reader: public})


async def _shown(jawab: Jawab, reader: UUID, public: bytes) -> set[UUID]:
    async with jawab.db.autocommit("custody") as conn:
        return await proving.opened(conn, {reader: public})
