"""Contact cards as words."""

from __future__ import annotations

import time

import pytest

from store import vcards

CARD = """BEGIN:VCARD\r
VERSION:3.0\r
N:Khan;Gul;;;\r
FN:Gul Khan\r
ORG:PHE;Pishin\r
TITLE:Lineman\r
item1.TEL;waid=923001112233:+92 300 1112233\r
TEL;TYPE=WORK,VOICE:0826-42\r
 0000\r
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ\r
 AAAQABAAD==\r
END:VCARD\r
"""


def test_a_name_an_office_and_numbers_of_a_folded_card() -> None:
    assert vcards.read(CARD.encode()) == "Gul Khan (Lineman; PHE, Pishin): +92 300 1112233, 0826-420000"


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("BEGIN:VCARD\nN:خان;گل\nTEL:0300\nEND:VCARD", "گل خان: 0300"),
        ("\ufeffbegin:vcard\nfn:گل\nend:vcard", "گل"),
        ("BEGIN:VCARD\nTEL;VALUE=uri:tel:+92300\nTEL:+92300\nEND:VCARD", "+92300"),
        ("BEGIN:VCARD\nFN:A\\, B\\; C\\nD\nEND:VCARD", "A, B; C D"),
        ("BEGIN:VCARD\nORG:Office\nEND:VCARD", "Office"),
        ("BEGIN:VCARD\nFN:A\nEND:VCARD\nBEGIN:VCARD\nFN:B\nTEL:1\nEND:VCARD\n", "A\nB: 1"),
        ("BEGIN:VCARD\nFN:cut short", "cut short"),
        ("BEGIN:VCARD\nFN:a\u202eb\x07\nEND:VCARD", "a b"),
        ("FN:outside", ""),
        ("", ""),
    ],
)
def test_cards_as_telephones_write_them(card: str, says: str) -> None:
    assert vcards.read(card.encode()) == says


def test_a_card_of_an_old_telephone_in_quoted_printable_and_its_own_letters() -> None:
    quoted = "".join(f"={byte:02X}" for byte in "گل خان".encode())
    card = (
        f"BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{quoted[:15]}=\r\n{quoted[15:]}\r\n"
    )
    card += "TEL;CELL:0300\r\nEND:VCARD\r\n"
    assert vcards.read(card.encode()) == "گل خان: 0300"
    arabic = b"BEGIN:VCARD\r\nFN;CHARSET=windows-1256:" + "سلام".encode("cp1256") + b"\r\nEND:VCARD"
    assert vcards.read(arabic) == "سلام"


def test_a_card_without_end_is_read_up_to_a_measure() -> None:
    began = time.process_time()
    said = vcards.read(b"BEGIN:VCARD\nFN:" + b"x" * 10_000_000 + b"\nTEL:1" * 1000)
    assert len(said) < 300
    said = vcards.read(b"BEGIN:VCARD\nFN:a\nEND:VCARD\n" * 100_000)
    assert said.count("\n") < vcards.CARDS_MOST
    assert time.process_time() - began < 2
