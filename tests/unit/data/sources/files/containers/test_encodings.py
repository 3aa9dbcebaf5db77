"""Text is decoded by its bytes, and refused where they are no text."""

import pytest

from src.core.errors import BadInput
from src.data.sources.files.containers.encodings import as_utf8

TEXT = "Date,Open\n2024-12-31,₹10\n"
PLAIN = "Date,Open\n2024-12-31,10\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TEXT.encode(), TEXT),
        (TEXT.encode("utf-8-sig"), TEXT),
        (TEXT.encode("utf-16"), TEXT),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), TEXT),
        (PLAIN.encode("utf-16-le"), PLAIN),
        (PLAIN.encode("utf-16-be"), PLAIN),
        ("é,1\n".encode("cp1252"), "é,1\n"),
        (b"a,b\r\n1,2\r3,4", "a,b\n1,2\n3,4"),
        (b"<TICKER>,<PER>,<DATE>,<OPEN>\nTCS,D,1,2\n", "<TICKER>,<PER>,<DATE>,<OPEN>\nTCS,D,1,2\n"),
        (b"<DATE>\t<OPEN>\t<HIGH>\t<LOW>\n", "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\n"),
    ],
)
def test_text_is_decoded(content, text):
    assert as_utf8(content).decode() == text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0" * 40, "it is binary"),
        (b"\xff\xfea\0b", "its UTF-16 text is damaged"),
        (b"\xff\xfe" + b"\0" * 8, "it is binary"),
        (b"<html><head><title>x</title></head>", "it is a web page"),
        (b"<table><tr><td>Date</td></tr></table>", "it is a web page"),
        ("<html>\n".encode("utf-16"), "it is a web page"),
    ],
)
def test_what_is_no_text_is_refused(content, sentence):
    with pytest.raises(BadInput, match=sentence):
        as_utf8(content)
