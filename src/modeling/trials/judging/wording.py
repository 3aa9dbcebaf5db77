"""Say in one sentence how a trial stands."""

from __future__ import annotations

from dataclasses import dataclass

from src.modeling.gate.reasons import objection
from src.modeling.gate.verdict import BETTER, UNDECIDED, Verdict

REFERENCES = {"zero": "forecasting zero", "champion": "the live model"}


@dataclass(frozen=True)
class Look:
    """What is known at a look.

    Attributes:
        gate: The gate's verdict on all pairs.
        spoken: Its verdict on those where the live model's forecast was not zero, if asked.
        reference: ``zero`` or ``champion``.
        gain: Relative gain in the trial's loss over the reference; None without a pair.
        needed: Sessions until it could end at this effect; None when that cannot be said.
    """

    gate: Verdict
    spoken: Verdict | None
    reference: str
    gain: float | None
    needed: int | None


def reason(
    ending: str, look: Look, *, dates_needed: int, smallest_effect: float, max_sessions: int
) -> str:
    """The sentence of an ending, or of a trial that is undecided."""
    dates = look.gate.dates
    over = f"over {dates:,} sessions with outcomes"
    if ending == "better":
        return f"Better: it {_so_far(look)} {over}, more than chance explains."
    if ending == "equivalent":
        return (
            f"Equivalent: it {_so_far(look)} {over}, and the difference is surely smaller than "
            f"the {_percent(smallest_effect)} that matters."
        )
    if ending == "worse":
        return (
            f"Worse: it has erred more than {_behind(look.gate)} so far, {over}, more than chance "
            "explains."
        )
    if ending == "ran_out":
        return f"Ran out undecided: it {_so_far(look)} {over}, the most it was registered for."
    if dates < dates_needed:
        return f"Undecided: {dates:,} sessions have outcomes, a verdict needs {dates_needed:,}."
    return f"Undecided: it {_so_far(look)} {over}; {_outlook(look, max_sessions - dates)}."


def _so_far(look: Look) -> str:
    name = REFERENCES[look.reference]
    if not look.gain:
        return f"has been as good as {name} so far"
    better, smaller = ("better", "smaller") if look.gain > 0 else ("worse", "larger")
    size = _percent(abs(look.gain))
    return f"has been {better} so far, its errors {size} {smaller} than with {name},"


def _outlook(look: Look, left: int) -> str:
    """What it waits for."""
    if look.gate.verdict == BETTER and look.spoken is not None:
        alone = f"where the live model spoke, in {look.spoken.dates:,} of them, it is "
        return alone + ("worse" if look.spoken.verdict != UNDECIDED else "undecided")
    if look.needed is None:
        failed = [each for each in look.gate.evidence if not each.passed]
        small = [each for each in failed if each.name.startswith("mae_improvement")]
        return objection((small or failed)[0], REFERENCES)
    more = f"at this effect about {look.needed:,} more sessions"
    return more if look.needed <= left else f"{more}, but {max(left, 0):,} are left"


def _behind(gate: Verdict) -> str:
    """The reference that both losses are furthest behind."""
    ts = {
        name: [
            each.value
            for each in gate.evidence
            if each.name in (f"t_absolute_vs_{name}", f"t_squared_vs_{name}")
            and each.value is not None
        ]
        for name in REFERENCES
    }
    return REFERENCES[min((name for name in ts if ts[name]), key=lambda name: max(ts[name]))]


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
