"""Name the command that derives prices anew from what is stored."""

from __future__ import annotations


def rebuild_step(*tickers: str) -> str:
    """What to do next, for some tickers or, without any, for all, as a clause of a sentence."""
    option = f"--ticker{'s' if len(tickers) > 1 else ''} {','.join(tickers)}"
    which = option if tickers else "--all"
    return f"rebuild the prices with `python -m mlops.pipeline {which} --source stored`"
