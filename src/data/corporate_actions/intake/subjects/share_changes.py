"""Read the clauses of bonuses, splits, consolidations and rights."""

from __future__ import annotations

from typing import Any

from src.data.corporate_actions.intake.subjects.parts import Part, unclear
from src.data.corporate_actions.intake.subjects.tokens import Token

# Larger ones are misprints: the largest real ones are 100:1 and Rs 100 to Re 0.10.
LARGEST_RATIO = 1000.0


def bonus(tokens: list[Token]) -> Part:
    """A bonus a:b, which makes (a + b) / b shares of one; or one of other securities."""
    securities = [token.text for token in tokens if token.kind == "security"]
    if "dvr" in securities:
        return Part("event", label="bonus of shares of another class")
    if securities:
        return Part("nothing", label=f"bonus of {securities[0]}")
    pair = _pair(tokens)
    if isinstance(pair, Part):
        return pair
    new, held = pair
    ratio = (new + held) / held if new > 0 and held > 0 else 0.0
    if not 1 < ratio <= LARGEST_RATIO:
        return unclear(f"a bonus of {new:g}:{held:g} is impossible")
    return Part("bonus", ratio=ratio, detail={"bonus": f"{new:g}:{held:g}"})


def _pair(tokens: list[Token]) -> tuple[float, float] | Part:
    """New and held shares, as ``1:2`` or as ``1 for 2``."""
    if (unknown := _unknown(tokens)) is not None:
        return unknown
    pairs = {(token.value, token.held) for token in tokens if token.kind == "ratio"}
    numbers = [token.value for token in tokens if token.kind in ("number", "percent")]
    is_spelt = len(numbers) == 2 and any(token.text in ("for", "every", "held") for token in tokens)
    if is_spelt and not any(token.kind in ("percent", "currency") for token in tokens):
        pairs.add((numbers[0], numbers[1]))
        numbers = []
    if not pairs:
        return unclear("it names no ratio")
    if len(pairs) > 1 or numbers:
        return unclear("it names more than one ratio")
    return pairs.pop()


def split(tokens: list[Token]) -> Part:
    """A split of face value X into Y, which makes X / Y shares of one."""
    return _face_value_change(tokens, is_split=True)


def consolidation(tokens: list[Token]) -> Part:
    """A consolidation of face value X into Y, which makes X / Y shares of one, less than 1."""
    return _face_value_change(tokens, is_split=False)


def _face_value_change(tokens: list[Token], *, is_split: bool) -> Part:
    if (unknown := _unknown(tokens)) is not None:
        return unknown
    if any(token.kind in ("percent", "security") for token in tokens):
        return unclear("it is not a change of the share's face value alone")
    ratios = [(token.value, token.held) for token in tokens if token.kind == "ratio"]
    values = _face_values(tokens)
    detail: dict[str, Any] = {}
    if len(ratios) == 1 and not values:
        sides = sorted(ratios[0])
        before, after = (sides[1], sides[0]) if is_split else (sides[0], sides[1])
        detail = {"ratio": f"{ratios[0][0]:g}:{ratios[0][1]:g}"}
    elif len(values) == 2 and not ratios:
        before, after = values
        detail = {"from_face_value": before, "to_face_value": after}
    else:
        return unclear("it does not name two face values")
    if not (before > 0 and after > 0) or (before > after) != is_split or before == after:
        name = "split" if is_split else "consolidation"
        return unclear(f"a {name} from {before:g} to {after:g} is impossible")
    if not 1 / LARGEST_RATIO <= before / after <= LARGEST_RATIO:
        return unclear(f"a change from {before:g} to {after:g} is impossible")
    return Part("split", ratio=before / after, detail=detail)


def _face_values(tokens: list[Token]) -> list[float]:
    """The two values with ``to`` or a dash between them; counts of shares must agree with them."""
    written = [token for token in tokens if token.kind in ("number", "currency", "to", "dash")]
    numbers = [i for i, token in enumerate(written) if token.kind == "number"]
    in_money = [i for i in numbers if i and written[i - 1].kind == "currency"]
    values = numbers if len(numbers) == 2 else in_money
    if len(values) != 2:
        return []
    between = {token.kind for token in written[values[0] : values[1]]}
    if "to" not in between and not ("dash" in between and len(in_money) == 2):
        return []
    before, after = (written[i].value for i in values)
    counts = [written[i].value for i in numbers if i not in values]
    is_agreed = not counts or (
        after and abs(counts[-1] / (counts[0] if len(counts) == 2 else 1) - before / after) < 1e-9
    )
    return [before, after] if is_agreed and len(counts) <= 2 else []


def rights(tokens: list[Token]) -> Part:
    """Rights r:h, with their premium or price where they name it; they wait for a person."""
    if (unknown := _unknown(tokens)) is not None:
        return unknown
    starts = [i for i, token in enumerate(tokens) if token.kind == "ratio"]
    ends = [*starts[1:], len(tokens)]
    offers = [_offer(tokens[start:end]) for start, end in zip(starts, ends, strict=False)]
    is_other = any(token.kind == "security" for token in tokens)
    if not offers and not is_other:
        return unclear("it names no ratio")
    if any(not (offer["new"] > 0 and offer["held"] > 0) for offer in offers):
        return unclear("a ratio of rights is impossible")
    detail: dict[str, Any] = {"offers": offers}
    if is_other:
        detail["other_securities"] = True
    return Part("rights", detail=detail)


def _offer(tokens: list[Token]) -> dict[str, Any]:
    """One offer: ``premium`` over the face value, or ``price`` where it is not called one."""
    numbers = [token.value for token in tokens if token.kind == "number"]
    words = {token.text for token in tokens}
    value = numbers[0] if len(numbers) == 1 else None
    is_premium = bool(words & {"premium", "prem", "prm"})
    is_par = "par" in words and not is_premium
    return {
        "new": tokens[0].value,
        "held": tokens[0].held,
        "premium": 0.0 if is_par else value if is_premium else None,
        "price": None if is_premium or (is_par and value is None) else value,
        "partly_paid": "partly" in words,
    }


def _unknown(tokens: list[Token]) -> Part | None:
    for token in tokens:
        if token.kind == "unknown":
            return unclear(f"the word {token.text!r} is not known")
    return None
