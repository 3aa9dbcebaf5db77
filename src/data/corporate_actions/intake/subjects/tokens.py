"""Split a subject into tokens: words by their meaning, numbers, per cents, ratios, separators."""

from __future__ import annotations

import re
from dataclasses import dataclass

from src.data.corporate_actions.intake.subjects.words import read_word

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# Written forms that are brought into one before the text is split.
_FORMS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[\u2010-\u2015\u2212\ufffd*]", "-"),
        (r"\b([a-z])\.\s?([a-z])\.(?:\s?([a-z])\b\.?)?", r"\1\2\3 "),  # a.g.m., f.v.
        # Periods for which something is paid are no amounts.
        (
            rf"\bfor\s+(?:the\s+)?(?:period\s+)?{_MONTH}\s*\d+\s*to\s*{_MONTH}\s*\d+,?\s*\d{{4}}",
            " ",
        ),
        (r"\bf\.?y\.?\s*(?:\d{4}|\d{2})(?:\s*-\s*\d{2,4})?", " "),
        (r"\b(?:19|20)\d{2}\s*-\s*(?:(?:19|20)\d{2}|\d{2})\b", " "),
        (r"\bfor the (?:year|quarter|half year)(?: ended)?", " "),
        (r"\bpursuant to (?:the |a )?scheme(?: of (?:arr?ang?ement|amalgamation|merger))?", " "),
        (
            r"\bper (?:equity )?share (?:of|on) (?:the )?(?:face value|fv)(?: of)?"
            r" r[se]\.? ?[\d.]+",
            " per share ",
        ),
        (r"\bdifferential voting rights?\b", " dvr "),
        (r"\bsub[\s-]*div(?:ision|n|sn)?\b", " subdivision "),
        (r"\breverse (?:stock |share )?split\b", " consolidation "),
        (r"\bextra[\s-]*o\w*rdinary\b", "extraordinary"),
        (r"\bde[\s-]+merger", "demerger"),
        (r"\bspin[\s-]+off", "spinoff"),
        (r"\bint+\.?\s*(?:pay|pymt|pmt)[a-z]*", " interest "),
        (r"\(\s*(?:interim|final|special)\s*\)", " "),
        (r"₹", " rs "),
        (r"(?<=\d)\s*/\s*[-=]+", " "),  # 6/-
        (r"(?<=\d)\s*/(?=\s*(?:per|pr|to|rd|purpose)\b|\s*$)", " "),
        (r"(?<=\d)\.\.+(?=\d)", "."),  # 0..30
        (r"(?<=\b0)\s+\.(?=\d)", "."),  # 0 .70
        (r"\b\d+(?:st|nd|rd|th|d)\b", " first "),
        (r"\bre\.(?=[1-9]\d)", " re unreadable "),  # Re.50 is 0.50 or 50
        (r"\b(?:r\s+s|r\s+e)\b", "rs"),
    )
]
_CURRENCY_DOT = re.compile(r"(?<=[a-z])\.(?=\.?\d)")  # rs.10, re.0.50
_NUMBER = r"\d{1,3}(?:,\d{2})*,\d{3}(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_TOKEN = re.compile(
    rf"(?P<ratio>(?:{_NUMBER})\s*:+\s*(?:{_NUMBER}))|(?P<percent>(?:{_NUMBER})\s*%)"
    rf"|(?P<number>{_NUMBER})|(?P<word>[a-z]+)|(?P<separator>[/&+;]|,(?!\d))|(?P<dash>-)|(?P<open>\()"
    r"|(?P<bad>,(?=\d))|(?P<junk>.)"
)
_REVISED = re.compile(r"\brev(?:i\w*|\b)|revised", re.IGNORECASE)
_DATE_REVISED = re.compile(r"date|\bdt\b|closure|\bbc\b|\brd\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, the word's meaning, and its value or the two sides of its ratio.

    Kinds are those of ``words.read_word``, and number, percent, ratio, separator, dash, and open
    for a bracket.
    """

    kind: str
    text: str
    value: float = 0.0
    held: float = 0.0


def tokens_of(subject: str) -> list[Token]:
    """The tokens of a subject, in order."""
    text = f" {subject.lower()} "
    for pattern, replacement in _FORMS:
        text = pattern.sub(replacement, text)
    text = _CURRENCY_DOT.sub(" ", text)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        tokens += _read(str(match.lastgroup), match.group())
    return tokens


def is_revised(subject: str) -> bool:
    """Whether the subject says that it replaces an earlier one."""
    return _REVISED.search(subject) is not None


def is_date_revised(subject: str) -> bool:
    """Whether the subject says that its dates replace earlier ones."""
    return is_revised(subject) and _DATE_REVISED.search(subject) is not None


def _read(kind: str, text: str) -> list[Token]:
    if kind == "word":
        return [Token(*meaning) for meaning in read_word(text)]
    if kind == "number":
        return [Token(kind, text, _value(text))]
    if kind == "percent":
        return [Token(kind, text, _value(text.rstrip("% ")))]
    if kind == "ratio":
        new, held = re.split(r"\s*:+\s*", text)
        return [Token(kind, text, _value(new), _value(held))]
    if kind == "bad":
        return [Token("unknown", text)]
    return [] if kind == "junk" else [Token(kind, text)]


def _value(text: str) -> float:
    return float(text.replace(",", ""))
