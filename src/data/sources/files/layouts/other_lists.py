"""Tell the lists of an exchange that are not prices, with the command that reads each."""

from __future__ import annotations

from collections.abc import Sequence

from src.data.sources.files.layouts.words import canonical

_ACTIONS = (("symbol", "security name"), ("purpose", "subject"), ("ex date", "exdt"))
_SHARES = (("isin number", "isin no", "isin"), ("date of listing", "status"), ("face value",))
_CHANGES = (("old symbol", "sm key symbol"), ("new symbol", "sm new symbol"))
_IMPORT = "not prices: bring it in with `python -m src.data.{} import --path FILE`."
_LISTS = (
    (_ACTIONS, f"it is a list of corporate actions, {_IMPORT.format('corporate_actions')}"),
    (_SHARES, f"it is a list of shares, {_IMPORT.format('instruments')}"),
    (_CHANGES, f"it is a list of changed symbols, {_IMPORT.format('instruments')}"),
)


def other_list(head: Sequence[Sequence[str]]) -> str | None:
    """The sentence about a file whose header is of such a list; None for any other file."""
    for line in head:
        names = {canonical(name) for name in line}
        for columns, sentence in _LISTS:
            if all(names.intersection(spellings) for spellings in columns):
                return sentence
    return None
