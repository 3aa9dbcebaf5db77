"""Read the clauses of dividends, and of what a trust pays out per unit."""

from __future__ import annotations

from src.data.corporate_actions.intake.subjects.parts import Part, unclear
from src.data.corporate_actions.intake.subjects.tokens import Token

# A hundred thousand rupees a share, or as many per cent, is a misprint.
LARGEST_AMOUNT = 100_000.0
# A total and its parts are rounded to paise or less.
_ROUNDING = 0.02
_EXACT = 1e-9
NO_AMOUNT = "it names no amount"
_AMOUNTS = ("number", "percent")
_INCLUDING = ("including", "incl")


def dividend_parts(tokens: list[Token], *, has_noun: bool) -> list[Part]:
    """The dividends of consecutive clauses: their names and amounts, one part for each amount.

    ``has_noun`` is whether the subject says dividend anywhere: ``Spl`` and ``Int`` alone do not.
    """
    for token in tokens:
        if token.kind in ("unknown", "ratio", "security", "to"):
            return [unclear(f"{token.text!r} is not understood in a dividend")]
    if not has_noun:
        return [unclear("it does not say dividend")]
    counted = _without_bracketed(_without_included(tokens))
    if counted is None:
        return [unclear("what stands in brackets is not the sum of what stands before them")]
    parts: list[Part] = []
    for names, amounts in _groups(counted):
        parts += _of_group(names, amounts)
    return parts


def _without_included(tokens: list[Token]) -> list[Token]:
    """The tokens before ``including``, after which parts of what was named already follow."""
    for i, token in enumerate(tokens):
        if token.text in _INCLUDING and any(before.kind in _AMOUNTS for before in tokens[:i]):
            return tokens[:i]
    return tokens


def _without_bracketed(tokens: list[Token]) -> list[Token] | None:
    """The tokens without the parts of an amount in brackets after it; None where they disagree."""
    for i, token in enumerate(tokens):
        before = [each.value for each in tokens[:i] if each.kind == "number"]
        inside = [each for each in tokens[i:] if each.kind in _AMOUNTS]
        if token.kind != "open" or not before or not inside:
            continue
        if all(each.kind == "percent" for each in inside):
            return tokens[:i] if len(inside) == len(before) else None
        total = sum(each.value for each in inside if each.kind == "number")
        return tokens[:i] if abs(total - sum(before)) <= _EXACT else None
    return tokens


def _groups(tokens: list[Token]) -> list[tuple[list[list[Token]], list[Token]]]:
    """Names, each of a few tokens, and the amounts that follow them."""
    groups: list[tuple[list[list[Token]], list[Token]]] = []
    is_separated = False
    for i, token in enumerate(tokens):
        if token.kind in ("head", "modifier"):
            if not groups or groups[-1][1]:
                groups.append(([[]], []))
            elif groups[-1][0][-1] and (is_separated or _begins_name(tokens, i)):
                groups[-1][0].append([])
            groups[-1][0][-1].append(token)
            is_separated = False
        elif token.kind in _AMOUNTS:
            if not groups:
                groups.append(([[]], []))
            groups[-1][1].append(token)
        elif token.kind == "separator":
            is_separated = True
    return groups


def _begins_name(tokens: list[Token], i: int) -> bool:
    """Whether a second name begins without a separator: ``Int Div Spl Div``."""
    is_noun = [token.kind == "head" for token in tokens[max(i - 1, 0) : i + 2]]
    return is_noun == [True, False, True]


def _of_group(names: list[list[Token]], amounts: list[Token]) -> list[Part]:
    label = " ".join(
        sorted({token.text for name in names for token in name if token.kind == "modifier"})
    )
    if not amounts:
        return [Part("unclear", label=NO_AMOUNT, detail={"dividend": label})]
    kinds = {token.kind for token in amounts}
    if len(amounts) == 2 and len(names) == 1 and len(kinds) == 2:
        # Rs 5 (50%): the same dividend twice.
        amounts = [token for token in amounts if token.kind == "number"]
    is_shared = all(token.kind == "modifier" for name in names[:-1] for token in name)
    if len(amounts) != len(names) and not (len(amounts) == 1 and is_shared):
        return [unclear("it names several amounts")]
    return [_dividend(token, label) for token in amounts]


def _dividend(token: Token, label: str) -> Part:
    if not 0 < token.value <= LARGEST_AMOUNT:
        return unclear(f"a dividend of {token.text.strip()} is impossible")
    if token.kind == "percent":
        return Part("dividend", percent=token.value, label=label)
    return Part("dividend", amount=token.value, label=label)


def unit_payout(tokens: list[Token]) -> Part:
    """What is paid out per unit: the total where one is named, else the sum of all components."""
    numbers = [(i, token.value) for i, token in enumerate(tokens) if token.kind == "number"]
    if not numbers:
        return Part("unclear", label=NO_AMOUNT, detail={"dividend": "distribution"})
    if any(token.kind in ("percent", "ratio") for token in tokens):
        return unclear("it does not name rupees alone")
    total = _total(tokens, numbers)
    if isinstance(total, Part):
        return total
    if not 0 < total <= LARGEST_AMOUNT:
        return unclear(f"a distribution of {total:g} is impossible")
    return Part("dividend", amount=total, label="distribution")


def _total(tokens: list[Token], numbers: list[tuple[int, float]]) -> float | Part:
    consisting = next((i for i, token in enumerate(tokens) if token.kind == "consisting"), None)
    before = [value for i, value in numbers if consisting is not None and i < consisting]
    if len(before) == 1:
        return before[0]
    if len(before) > 1:
        return unclear("it names several totals")
    for token in tokens:
        if token.kind == "unknown":
            return unclear(f"the word {token.text!r} is not known")
    values = [value for _, value in numbers]
    if len(values) > 1 and _is_total(tokens, numbers[0][0]):
        if abs(values[0] - sum(values[1:])) <= _ROUNDING:
            return values[0]
        return unclear("its total is not the sum of its parts")
    return round(sum(values), 6)


def _is_total(tokens: list[Token], first: int) -> bool:
    """Whether the first amount follows ``distribution`` without a component's name."""
    heads = [token.text for token in tokens[:first] if token.kind in ("head", "component")]
    return heads == ["distribution"]
