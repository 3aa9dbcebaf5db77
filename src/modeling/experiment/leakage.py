"""A panel and the chain from prices to what is served in; whether anything knows the future, out.

Pure. What is said at a session may not change when everything after it is cut off, or replaced by
other prices. Cuts lie on refits, where a label that is not purged reaches farthest, and each part
of the chain is compared by itself, so that a leak has a name. A correlation with the next return
that nothing honest has (``canary``) is looked for besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from src.features import leakage_check
from src.modeling.panel.panel import Panel

Floats = npt.NDArray[np.float64]

# The volatility of the prices that take the future's place, per session.
NOISE = 0.05
# A product of a longer matrix is summed in another order: its last bits are no knowledge.
ROUNDING = 1e-9
MATRICES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class CheckedStep:
    """One link of the chain: a panel in, named (T, N) or (T, N, K) arrays of what it says out."""

    name: str
    compute: Callable[[Panel], Mapping[str, Floats]]


@dataclass(frozen=True)
class LeakageResult:
    """What one check found.

    Attributes:
        step: The link, or ``canary``.
        check: ``cut off``, ``replaced`` or ``correlation``.
        at: The session after which the future was changed; None for the canary.
        compared: Values that had to stay as they were.
        leaks: Names that did not, with how many of their values.
    """

    step: str
    check: str
    at: np.datetime64 | None
    compared: int
    leaks: tuple[tuple[str, int], ...]

    @property
    def passed(self) -> bool:
        """Whether nothing knew better."""
        return not self.leaks


def check(
    panel: Panel, steps: Sequence[CheckedStep], cuts: Sequence[int], *, seed: int
) -> Iterator[LeakageResult]:
    """Every part at every cut, the future cut off and the future replaced.

    Args:
        panel: All that the chain would be given.
        steps: The links.
        cuts: Rows after which the future is changed.
        seed: Of the prices that replace it.
    """
    whole = {step.name: step.compute(panel) for step in steps}
    for cut in cuts:
        for name, changed in (("cut off", head(panel, cut)), ("replaced", other(panel, cut, seed))):
            for step in steps:
                yield _compared(step, name, whole[step.name], step.compute(changed), panel, cut)


def correlations(features: Mapping[str, Floats], panel: Panel) -> LeakageResult:
    """The canary over a pool: no feature goes with the next session's return."""
    found = leakage_check.correlations(features, panel.targets(1))
    leaks = tuple((one.feature, one.n) for one in found if one.leaks)
    return LeakageResult("canary", "correlation", None, sum(one.n for one in found), leaks)


def head(panel: Panel, cut: int) -> Panel:
    """The panel as it was at row ``cut``."""
    end = cut + 1
    short = {name: getattr(panel, name)[:end] for name in (*MATRICES, "pending")}
    return replace(panel, sessions=panel.sessions[:end], **short)


def other(panel: Panel, cut: int, seed: int) -> Panel:
    """The panel with other prices and volumes after row ``cut``."""
    random = np.random.default_rng(seed)
    after = len(panel.sessions) - cut - 1
    walk = np.exp(np.cumsum(random.normal(0, NOISE, (after, len(panel.tickers))), axis=0))
    changed = {}
    for name in MATRICES:
        values = getattr(panel, name).copy()
        values[cut + 1 :] *= walk
        changed[name] = values
    return replace(panel, **changed)


def _compared(
    step: CheckedStep,
    check_name: str,
    whole: Mapping[str, Floats],
    changed: Mapping[str, Floats],
    panel: Panel,
    cut: int,
) -> LeakageResult:
    leaks, compared = [], 0
    for name in sorted({*whole, *changed}):
        here, there = (said[name][: cut + 1] if name in said else None for said in (whole, changed))
        if here is None or there is None:
            leaks.append((name, 1))
            continue
        differ = ~np.isclose(here, there, rtol=ROUNDING, atol=ROUNDING**2, equal_nan=True)
        compared += here.size
        if differ.any():
            leaks.append((name, int(differ.sum())))
    return LeakageResult(step.name, check_name, panel.sessions[cut], compared, tuple(leaks))
