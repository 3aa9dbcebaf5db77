"""Tell the lists of an exchange that are not prices, with the command that reads each."""

from __future__ import annotations

from collections.abc import Sequence

from src.data.sources.files.layouts.words import canonical

_ACTIONS = (("symbol", "security name"), ("purpose", "subject"), ("ex date", "exdt"))
_SHARES = (("isin number", "isin no", "isin"), ("date of listing", "status"), ("face value",))
_CHANGES = (("old symbol", "sm key symbol"), ("new symbol", "sm new symbol"))
_LISTS = (
    (_ACTIONS, "corporate actions", "corporate_actions"),
    (_SHARES, "shares", "instruments"),
    (_CHANGES, "changed symbols", "instruments"),
)


def other_list(
    head: Sequence[Sequence[str]], wanted: str = "prices", reader: str = ""
) -> str | None:
    """The sentence about a file whose header is of such a list; None for any other file.

    ``wanted`` is what the file should have had; the lists of a ``reader``, a package of src.data
    whose command imports them, are no other lists.
    """
    for line in head:
        names = {canonical(name) for name in line}
        for columns, content, package in _LISTS:
            is_list = all(names.intersection(spellings) for spellings in columns)
            if is_list and package != reader:
                command = f"`python -m src.data.{package} import --path FILE`"
                return f"it is a list of {content}, not {wanted}: bring it in with {command}."
    return None
