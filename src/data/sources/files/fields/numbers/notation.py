"""Decide for a whole file whether its numbers have a decimal point or a decimal comma.

Cells such as 810,25 and 12,34,567 can be written in one way only. 1,250 can be written in both, and
a file without a certain cell is read only where its magnitudes or its volumes leave one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.numbers.cells import bare_number, is_blank, split_units

if TYPE_CHECKING:
    from collections.abc import Sequence

Notation = Literal["point", "comma"]

VOLUME = "volume"
_SPACED = r"[1-9]\d{0,2}(?:[ ']\d{3})+"
_POWER = r"(?:[eE][+-]?\d+)?"
# Western and Indian grouping: 1,234,567 and 12,34,567.
_BY_COMMA = r"[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})*,\d{3}"
POINT = rf"^[+-]?(?:(?:\d+|{_BY_COMMA}|{_SPACED})(?:\.\d*)?|\.\d+){_POWER}$"
COMMA = rf"^[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?:\.\d{{3}})+|{_SPACED})(?:,\d+)?|,\d+){_POWER}$"
# One separator before three digits.
_EITHER_COMMA, _EITHER_POINT = (rf"^[+-]?[1-9]\d{{0,2}}{mark}\d{{3}}$" for mark in (",", r"\."))
_FEW = 0.05
# Of prices or volumes: fewer with a certain comma are slips of the pen.
_ENOUGH = 0.2
_SEVERAL = 4
# Prices of one file differ less, and a thousand is more.
_SAME_MAGNITUDE = 30


@dataclass(frozen=True)
class Certain:
    """The cells of prices or volumes that can be read in one notation only.

    ``share_of_comma`` is that of all cells, ``grouped`` how many have several commas.
    """

    point: pl.Series
    comma: pl.Series
    share_of_point: float
    share_of_comma: float
    grouped: int

    @property
    def notation(self) -> Notation | None:
        """The notation of a fifth of the cells or more."""
        if self.comma.len() > self.point.len() and self.share_of_comma >= _ENOUGH:
            return "comma"
        return "point" if self.share_of_point >= _ENOUGH else None


@dataclass(frozen=True)
class Doubtful:
    """Cells that can be read in both notations, and what may show how they are meant.

    ``prices`` and ``volumes`` are such as 1,250, ``dotted`` prices such as 1.250; ``others`` are
    the prices that both notations read alike.
    """

    prices: pl.Series
    volumes: pl.Series
    dotted: pl.Series
    others: pl.Series
    has_plain_volumes: bool


def decide_notation(texts: Sequence[pl.Series], delimiter: str) -> Notation:
    """The notation of a file's prices and volumes.

    Raises:
        BadInput: where both are possible, with both readings of a cell, and where prices and
            volumes have different ones.
    """
    bare = {text.name: bare_number(text.filter(~is_blank(text))).alias("") for text in texts}
    volumes, units = split_units(bare.pop(VOLUME, pl.Series("", dtype=pl.String)))
    prices = pl.concat([pl.Series("", dtype=pl.String), *bare.values()])
    doubtful = _doubtful(prices, volumes.filter(units == 1))
    of_prices, of_volumes = _certain(prices), _certain(volumes)
    if of_prices.notation and of_volumes.notation not in (None, of_prices.notation):
        raise BadInput(_mixed(of_prices, of_volumes))
    few = _FEW * (doubtful.prices.len() + doubtful.volumes.len())
    if of_prices.notation == "comma":
        if of_prices.comma.len() < few or _has_thousandths(doubtful.volumes):
            raise BadInput(_undecided(pl.concat([doubtful.prices, doubtful.volumes])))
        return "comma"
    points = of_prices.point.len()
    if of_prices.notation == "point" or (points and points >= _FEW * doubtful.prices.len()):
        return "point"
    if doubtful.prices.is_empty() and doubtful.dotted.is_empty():
        return of_volumes.notation or "point"
    return _by_context(doubtful, of_volumes, delimiter)


def _certain(cells: pl.Series) -> Certain:
    can_point, can_comma = cells.str.contains(POINT), cells.str.contains(COMMA)
    point, comma = can_point & ~can_comma, can_comma & ~can_point
    several = cells.str.count_matches(",", literal=True) > 1
    share_of_point, share_of_comma = (float(part.mean() or 0) for part in (point, comma))  # type: ignore[arg-type]
    return Certain(
        point=cells.filter(point),
        comma=cells.filter(comma),
        share_of_point=share_of_point,
        share_of_comma=share_of_comma,
        grouped=int((can_point & several).sum()),
    )


def _doubtful(prices: pl.Series, shares: pl.Series) -> Doubtful:
    return Doubtful(
        prices=prices.filter(prices.str.contains(_EITHER_COMMA)),
        volumes=shares.filter(shares.str.contains(_EITHER_COMMA)),
        dotted=prices.filter(prices.str.contains(_EITHER_POINT)),
        others=prices.filter(prices.str.contains(r"^[+-]?\d+$")),
        has_plain_volumes=bool(shares.str.contains(r"^\d{4,}$").any()),
    )


def _by_context(doubtful: Doubtful, volumes: Certain, delimiter: str) -> Notation:
    """The notation where no price is certain, by magnitudes, volumes and what separates cells."""
    by_magnitude = _by_magnitude(doubtful)
    if by_magnitude:
        return by_magnitude
    has_comma = bool(doubtful.prices.len())
    cells = doubtful.prices if has_comma else doubtful.dotted
    groups_by_comma = volumes.grouped or _has_thousandths(doubtful.volumes)
    # A mark that groups volumes groups prices, too, unless these look like rupees and paise.
    if (has_comma and groups_by_comma) or (not has_comma and volumes.notation == "comma"):
        if _are_ticks(cells):
            raise BadInput(_undecided(cells))
        return "point" if has_comma else "comma"
    are_plain = doubtful.has_plain_volumes and doubtful.volumes.is_empty()
    if has_comma:
        if volumes.notation == "comma" or (are_plain and delimiter not in (",", "")):
            return "comma"
        raise BadInput(_undecided(cells))
    if delimiter == ";" and not are_plain and volumes.notation is None:
        raise BadInput(_undecided(cells))
    return "point"


def _by_magnitude(doubtful: Doubtful) -> Notation | None:
    """The notation in which doubtful prices are of the same magnitude as the others."""
    others = _magnitude(doubtful.others)
    if not others:
        return None
    has_comma = bool(doubtful.prices.len())
    cells, mark = (doubtful.prices, ",") if has_comma else (doubtful.dotted, ".")
    grouped, decimal = (
        _is_same(others, _magnitude(cells.str.replace(mark, new, literal=True)))
        for new in ("", ".")
    )
    if grouped == decimal:
        return None
    return "point" if grouped == has_comma else "comma"


def _are_ticks(cells: pl.Series) -> bool:
    """Whether all of several prices are full five paise when their last digits are decimals."""
    return cells.len() >= _SEVERAL and bool(cells.str.contains("[05]0$").all())


def _has_thousandths(volumes: pl.Series) -> bool:
    """Whether a comma in volumes can only group: no share is traded in thousandths."""
    return bool(volumes.str.contains(r",\d*[1-9]\d*$").any())


def _magnitude(texts: pl.Series) -> float:
    return float(texts.cast(pl.Float64, strict=False).median() or 0)  # type: ignore[arg-type]


def _is_same(first: float, second: float) -> bool:
    return max(first, second) < _SAME_MAGNITUDE * min(first, second)


def _undecided(cells: pl.Series) -> str:
    cell = cells[0]
    mark = "," if "," in cell else "."
    grouped, decimal = cell.replace(mark, ""), cell.replace(mark, ".")
    return (
        f"its prices, such as {cell}, can be {grouped} or {decimal}: write them with a decimal "
        "point and without separators of thousands."
    )


def _mixed(prices: Certain, volumes: Certain) -> str:
    price, volume = (
        (part.comma if part.notation == "comma" else part.point)[0] for part in (prices, volumes)
    )
    return (
        f"its prices, such as {price}, and its volumes, such as {volume}, are written in different "
        "ways: write both with a decimal point and without separators of thousands."
    )
