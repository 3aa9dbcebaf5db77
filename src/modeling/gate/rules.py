"""Choose what the gate asks of a challenger."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from src.modeling.gate.losses import ENCOMPASSING, LOSSES

# The panel's level by how many configurations were tried, of which one had to look best by luck.
LEVELS = ((10, 0.05), (50, 0.01))
LEVEL_OF_MORE = 0.001
PATIENCE = 20.0
# Tickers from which the tests at one session are standardised.
STANDARDISED_FROM = 20
# Level of both losses where the skill itself is tested by encompassing.
LOSS_LEVEL = 0.05


@dataclass(frozen=True)
class GateRules:
    """What a challenger must show. Shares are fractions of 1.

    Attributes:
        horizon: Sessions ahead.
        level: One-sided level of the tests that find skill: of both losses, or of encompassing
            where it is ``standardised``.
        min_mae_improvement: Least relative gain in MAE over each reference.
        configurations: How many were tried to find the challenger.
        max_share_worse: Tickers that may be significantly worse; see ``ticker_n_eff``.
        worst_ticker: MAE skill that no ticker may be surely below; see ``worst_level``.
        max_variance_ratio: Variance of the forecasts / of the outcomes that it may not surely
            exceed. Calm years make it look large: over 4 periods of a true 5 % chance alone puts
            it above 10 % in 15.5 % of 600 simulations, and surely above it in 3.5 %.
        min_dates: Distinct dates below which nothing is decided; the length of the recent past.
        min_n_eff: The same in periods that do not overlap, dates / horizon.
        ticker_n_eff: Periods from which a ticker is called worse at 5 %. With fewer it takes 1 %:
            over 4 periods a truly better challenger (63-day R2 of 5 %, 50 tickers) has too many
            worse tickers by chance in 55 % of 600 simulations at 5 %, in 6 % at 1 %. Over 20
            periods it is 8 % at 5 %, and one that harms a tenth of them is refused by 93 %.
        standardised: Whether skill is sought in units of volatility; see ``losses``. Then both
            losses are tested at ``LOSS_LEVEL``, for better as well as for worse.
        patience: Periods from which the panel's limits apply unchanged. With fewer they are
            multiplied by sqrt(patience / periods): in repeated tests the first looks give most
            of the false alarms (O'Brien and Fleming 1979). 0 for a test that is made once.
        worst_level: Level at which a ticker is surely below ``worst_ticker``, 5 % shared by 50
            tickers, for the worst of many looks terrible by chance: at it 1.5 % of the truly
            better are withheld over 4 periods, at 1 % 9 %.
    """

    horizon: int
    level: float
    min_mae_improvement: float
    configurations: int = 1
    max_share_worse: float = 0.05
    worst_ticker: float = -0.01
    max_variance_ratio: float = 0.01
    min_dates: int = 250
    min_n_eff: float = 4.0
    ticker_n_eff: float = 20.0
    worst_level: float = 0.001
    patience: float = 0.0
    standardised: bool = False

    @property
    def levels(self) -> tuple[float, ...]:
        """Level of each of the panel's measures that the challenger must pass to be better."""
        if self.standardised:
            return (LOSS_LEVEL,) * len(LOSSES) + (self.level,) * len(ENCOMPASSING)
        return (self.level,) * len(LOSSES)

    @property
    def level_of_worse(self) -> float:
        """Level at which both losses must be larger to be worse."""
        return LOSS_LEVEL if self.standardised else self.level

    @property
    def dates_needed(self) -> int:
        """Distinct dates from which a verdict is possible."""
        return max(self.min_dates, math.ceil(self.min_n_eff * self.horizon))


def rules_for(
    horizon: int,
    min_mae_improvement: float,
    configurations: int = 1,
    *,
    tickers: int = 1,
    repeated: bool = False,
) -> GateRules:
    """Limits of a horizon in sessions, in a pool of so many tickers.

    The panel's tests are at 5 % for up to 10 configurations tried, at 1 % up to 50, at .1 % beyond.

    ``repeated`` is for a test that is made again after every month or session.

    Of 600 simulated challengers without skill, the only one tried, at most 5.7 % pass at 5 %; of
    those with a 63-day R2 of 5 % over 50 tickers 61 % pass after 252 dates and 89 % after 1260.
    """
    level = next((level for most, level in LEVELS if configurations <= most), LEVEL_OF_MORE)
    patience = PATIENCE if repeated else 0.0
    rules = GateRules(horizon, level, min_mae_improvement, configurations, patience=patience)
    if horizon == 1:
        return replace(rules, standardised=tickers >= STANDARDISED_FROM)
    return replace(rules, worst_ticker=-0.10, max_variance_ratio=0.10)
