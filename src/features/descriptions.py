"""Say in plain words what each stored feature and each input of models is.

Numbers in a name are its windows, so that one sentence describes a column whatever its window.
Beside the catalogue: a feature that is added there needs a line here.
"""

from __future__ import annotations

import re

# A sentence by name, with ``#`` for each number of the name and {0}, {1} for the numbers.
_GUIDE = {
    "return_lag#": "Return of session {0}, counted back from the newest.",
    "sma_#": "Mean of the last {0} closes, in the currency of the price.",
    "mom_#": "Return over the last {0} sessions.",
    "vol_#": "Standard deviation of the daily returns of the last {0} sessions.",
    "volume": "Shares traded in the session.",
}
_OWN = {
    "ret_lag#_s": "Return of session {0}, counted back from the newest, in units of the usual "
    "daily move.",
    "mom_#_s": "Return over {0} sessions, in units of the move that is usual over so many.",
    "mom_#_#_s": "Return over {0} sessions without the last {1}, in units of the usual move.",
    "over_sma_#_s": "How far the close is above the mean of the last {0}, in units of the usual "
    "move.",
    "max_ret_#_s": "Largest daily return of the last {0} sessions, in units of the usual daily "
    "move.",
    "overnight_s": "Move from the last close to the open, in units of the usual daily move.",
    "range_s": "Distance from the session's low to its high, in units of the usual daily move.",
    "close_location": "Where the close lies between the session's low (−0.5) and high (0.5).",
    "close_location_#": "The same as a mean over {0} sessions: between the lows (−0.5) and the "
    "highs (0.5).",
    "log_var_#": "Variance of the last {0} sessions, as a logarithm.",
    "log_var_#_#": "Variance of the last {0} sessions against that of {1}: above 0 is wilder than "
    "before.",
    "skew_#": "Skewness of the last {0} daily returns: below 0 large falls outweigh large rises.",
    "volume_z_#_#": "Volume against its mean of {0} sessions, in deviations of the last {1}.",
    "volume_#_#": "Volume of the last {0} sessions against that of {1}, as a logarithm.",
    "illiquidity_#_#": "How much the price moves per amount traded: the last {0} sessions against "
    "{1}.",
    "drawdown_#": "How far the close is below the highest of {0} sessions (0: at it).",
    "run_up_#": "How far the close is above the lowest of {0} sessions (0: at it).",
    "rsi_#": "Relative strength index over {0} sessions, as a share less 0.5: above 0 gains "
    "outweigh losses.",
}
_OF_POOL = {
    "market_ret_#_s": "Return of the market (mean of the pool) over {0} sessions, in units of its "
    "usual move.",
    "market_vol": "Volatility of the market, as a logarithm.",
    "market_vol_#": "Volatility of the market against its mean of {0} sessions.",
    "beta_#": "How much the stock moves when the market moves by 1, over {0} sessions.",
    "residual_#_s": "Return over {0} sessions that the market does not explain, in units of the "
    "usual move.",
    "volatility_#": "Volatility that is forecast for the next {0} sessions together, as a return.",
    "rank_mean": "Mean of the ranks that the model predicts for the pool.",
}
_RANK = "rank_"
_RANKED = "Rank in the pool (−0.5 to 0.5): "
_NUMBER = re.compile(r"\d+")


def describe_column(name: str) -> str:
    """What a column of ``features_daily`` that the guide names is.

    Raises:
        KeyError: It has no description.
    """
    return _filled(_GUIDE, name)


def describe_input(name: str) -> str:
    """What an input of models is.

    Raises:
        KeyError: It has no description.
    """
    every = _OWN | _OF_POOL
    if name in every or not name.startswith(_RANK):
        return _filled(every, name)
    base = describe_input(name.removeprefix(_RANK))
    return f"{_RANKED}{base[:1].lower()}{base[1:]}"


def _filled(sentences: dict[str, str], name: str) -> str:
    return sentences[_NUMBER.sub("#", name)].format(*_NUMBER.findall(name))
