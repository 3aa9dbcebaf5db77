"""Decode the bytes of a text file."""

from __future__ import annotations

import re

from src.core.errors import BadInput

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c"))
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Of the first bytes of ASCII text in UTF-16 every second is zero; other letters there are few.
_SAMPLE, _MOSTLY = 1000, 0.8
# The header of AmiBroker, MetaStock and Stooq, which begins as a web page does.
_HEADER = re.compile(r'(<[^<>\s]+>\s*"?\s*[,;\t|]\s*"?\s*){3,}<[^<>\s]+>.*')


def as_utf8(content: bytes) -> bytes:
    """The text as UTF-8 without a byte order mark, with line feeds alone; raises BadInput."""
    text = _utf16(content)
    if text is None:
        if len(content.translate(None, _CONTROLS)) != len(content):
            raise BadInput("it is binary, not text: give a CSV or xlsx file with prices.")
        text = _utf8_or_cp1252(content)
    if text.lstrip()[:1] == "<" and _is_markup(text):
        raise BadInput("it is a web page, not prices: download the file itself.")
    return text.replace("\r\n", "\n").replace("\r", "\n").encode()


def _utf16(content: bytes) -> str | None:
    codec = _utf16_codec(content)
    if codec is None:
        return None
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise BadInput(f"its UTF-16 text is damaged ({error.reason}): save it as UTF-8.") from error
    if "\0" in text:
        raise BadInput("it is binary, not text: give a CSV or xlsx file with prices.")
    return text


def _utf16_codec(content: bytes) -> str | None:
    if content.startswith(_UTF16_MARKS):
        return "utf-16"
    sample = content[:_SAMPLE]
    for codec, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) >= _MOSTLY * len(zeros):
            return codec
    return None


def _utf8_or_cp1252(content: bytes) -> str:
    for codec in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    raise BadInput("it is neither UTF-8 nor Windows-1252 text: save it as UTF-8.")


def _is_markup(text: str) -> bool:
    return not _HEADER.fullmatch(text.lstrip().split("\n", 1)[0].strip())
