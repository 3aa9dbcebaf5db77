"""Collect what was passed over in folders, archives and workbooks, and say so in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_NAMES_SHOWN = 3


class Unread:
    """Names of what was passed over, by the folder or file that it is in and by the reason."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, list[str]]] = {}

    def add(self, place: Path, reason: str, name: str) -> None:
        """Note one name; the reason is a few words, as they stand in brackets."""
        self._names.setdefault(place, {}).setdefault(reason, []).append(name)

    def merge(self, place: Path, passed_over: Iterable[tuple[str, str]]) -> None:
        """Note pairs of reason and name."""
        for reason, name in passed_over:
            self.add(place, reason, name)

    def take(self) -> list[str]:
        """A sentence for each place, told once."""
        taken, self._names = self._names, {}
        return [f"{place}: not read: {_listed(reasons)}." for place, reasons in taken.items()]


def _listed(reasons: dict[str, list[str]]) -> str:
    return "; ".join(f"{listed_names(names)} ({reason})" for reason, names in reasons.items())


def listed_names(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
