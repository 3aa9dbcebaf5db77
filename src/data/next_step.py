"""Name the command that derives prices anew from what is stored."""

from __future__ import annotations


def rebuild_step(ticker: str | None) -> str:
    """What to do next, for one ticker or for all, as a clause of a sentence."""
    which = "--all" if ticker is None else f"--ticker {ticker}"
    return f"rebuild the prices with `python -m mlops.pipeline {which} --source stored`"
