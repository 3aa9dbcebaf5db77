"""Understand a subject of NSE or BSE: what each of its clauses states, or that it is unclear.

A clause begins with the word that says what it is about. Every token of a clause must fit what
such a clause may say, else the clause is unclear: nothing is guessed from the part that fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from src.data.corporate_actions.intake.subjects.parts import Part, unclear
from src.data.corporate_actions.intake.subjects.payouts import dividend_parts, unit_payout
from src.data.corporate_actions.intake.subjects.share_changes import (
    bonus,
    consolidation,
    rights,
    split,
)
from src.data.corporate_actions.intake.subjects.tokens import Token, tokens_of

# Heads of clauses that change nothing, and whether such a clause may name numbers.
_NOTHING = {
    **{"meeting": False, "buyback": True, "interest": True, "redemption": True, "call": True},
    "conversion": True,
}
_EVENTS = {
    "scheme": "scheme of arrangement",
    "reduction": "capital reduction",
    "amalgamation": "amalgamation",
    "spin-off": "spin-off",
}
_GENERAL = (_EVENTS["scheme"], _EVENTS["spin-off"])
_PAYOUTS = ("dividend", "distribution", "interest")
_SHARE_CHANGES = {
    "bonus": bonus,
    "split": split,
    "consolidation": consolidation,
    "rights": rights,
}


@dataclass
class Clause:
    """The head of a clause, and its tokens in order; without a head, what stands before any."""

    head: str
    tokens: list[Token] = field(default_factory=list)


@lru_cache(maxsize=4096)
def parse_subject(subject: str, *, is_unit: bool = False) -> tuple[Part, ...]:
    """What a subject states, in the order of its clauses.

    ``is_unit`` is for the units of a trust (InvIT, REIT), whose interest and return of capital are
    paid out like dividends; a subject that says unit or distribution is read in this way too.
    """
    tokens = _resolved(tokens_of(subject))
    if not tokens:
        return (unclear("it is empty"),)
    clauses = _clauses(tokens)
    is_unit = is_unit or any(
        token.text in ("unit", "units", "distribution")
        for token in tokens
        if token.kind != "unknown"
    )
    if is_unit and any(clause.head in _PAYOUTS for clause in clauses):
        payout = [token for clause in clauses if _is_payout(clause) for token in clause.tokens]
        rest = [clause for clause in clauses if not _is_payout(clause)]
        return (unit_payout(payout), *_parts(rest))
    return tuple(_parts(clauses))


def _is_payout(clause: Clause) -> bool:
    return clause.head in (*_PAYOUTS, "")


def _resolved(tokens: list[Token]) -> list[Token]:
    """The tokens, where ``spl`` between two face values is a split and else special."""
    resolved = []
    for i, token in enumerate(tokens):
        is_split = (
            token.kind == "modifier"
            and token.text == "special"
            and _has_face_values(tokens[i + 1 :])
        )
        resolved.append(Token("head", "split") if is_split else token)
    return resolved


def _has_face_values(tokens: list[Token]) -> bool:
    """Whether the tokens begin with ``Rs 10 to Rs 2``, or with it and a dash."""
    written = [token for token in tokens if token.kind not in ("word", "open")][:6]
    kinds = " ".join(token.kind for token in written).removeprefix("dash ")
    return kinds.startswith(
        ("currency number to", "number to", "currency number dash currency number")
    )


def _clauses(tokens: list[Token]) -> list[Clause]:
    clauses = [Clause("")]
    for token in tokens:
        if token.kind in ("head", "modifier"):
            head = "dividend" if token.kind == "modifier" else token.text
            if head != clauses[-1].head:
                clauses.append(Clause(head))
        clauses[-1].tokens.append(token)
    return _with_leading(clauses)


def _with_leading(clauses: list[Clause]) -> list[Clause]:
    """What stands before a head belongs to it: ``1:1 Bonus``, ``First And Final Call``."""
    for before, clause in pairwise(clauses):
        if not before.head or (clause.head in _NOTHING and _is_adjective(before)):
            clause.tokens = [*before.tokens, *clause.tokens]
            before.tokens = []
    return [clause for clause in clauses if clause.tokens] or clauses[:1]


def _is_adjective(clause: Clause) -> bool:
    kinds = {token.kind for token in clause.tokens}
    last = clause.tokens[-1].kind if clause.tokens else ""
    return kinds <= {"modifier", "word", "separator"} and last in ("modifier", "word")


def _parts(clauses: list[Clause]) -> list[Part]:
    parts: list[Part] = []
    has_dividend = any(token.text == "dividend" for clause in clauses for token in clause.tokens)
    for clause in clauses:
        if clause.head in ("dividend", "distribution"):
            parts += dividend_parts(clause.tokens, has_noun=has_dividend)
        elif clause.head in _SHARE_CHANGES:
            parts.append(_SHARE_CHANGES[clause.head](clause.tokens))
        elif clause.head in _NOTHING:
            parts.append(_nothing(clause))
        elif clause.head == "demerger":
            parts.append(Part("demerger"))
        elif clause.head in _EVENTS:
            parts.append(Part("event", label=_EVENTS[clause.head]))
        else:
            parts.append(unclear("no word says what it is"))
    return _without_general_names(parts)


def _without_general_names(parts: list[Part]) -> list[Part]:
    """The parts without the scheme or spin-off that a demerger or merger is carried out by."""
    named = {part.label for part in parts if part.kind == "event"} - set(_GENERAL)
    if any(part.kind == "demerger" for part in parts):
        return [part for part in parts if part.label not in _GENERAL]
    return [part for part in parts if not (named and part.label == _GENERAL[0])]


def _nothing(clause: Clause) -> Part:
    for token in clause.tokens:
        if token.kind == "unknown":
            return unclear(f"the word {token.text!r} is not known")
        if token.kind in ("number", "percent", "ratio") and not _NOTHING[clause.head]:
            return unclear(f"{token.text} is not said to be a dividend")
    return Part("nothing", label=clause.head)
