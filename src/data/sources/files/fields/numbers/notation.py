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
# Prices of one file differ less, and a thousand is more.
_SAME_MAGNITUDE = 30


@dataclass(frozen=True)
class Evidence:
    """Cells of a file by how they can be read.

    ``point`` and ``comma`` are how many can be read in one notation only (``comma_share`` is that
    of prices or of volumes, the larger), ``grouped`` how many have several commas. ``either`` are
    the prices such as 1,250, ``either_volumes`` the volumes, and ``dotted`` the prices such as
    1.250; ``others`` are the prices that both notations read alike.
    """

    point: int
    comma: int
    comma_share: float
    grouped: int
    either: pl.Series
    either_volumes: pl.Series
    dotted: pl.Series
    others: pl.Series
    has_plain_volumes: bool


def decide_notation(texts: Sequence[pl.Series], delimiter: str) -> Notation:
    """The notation of a file's prices and volumes.

    Raises:
        BadInput: where both are possible, with both readings of a cell.
    """
    evidence = _evidence(texts)
    few = _FEW * (evidence.either.len() + evidence.either_volumes.len())
    if evidence.comma > evidence.point and evidence.comma_share >= _ENOUGH:
        if evidence.comma < few or _has_thousandths(evidence.either_volumes):
            raise BadInput(_undecided(pl.concat([evidence.either, evidence.either_volumes])))
        return "comma"
    if evidence.grouped or (evidence.point and evidence.point >= few):
        return "point"
    return _by_context(evidence, delimiter)


def _evidence(texts: Sequence[pl.Series]) -> Evidence:
    bare = {text.name: bare_number(text.filter(~is_blank(text))).alias("") for text in texts}
    volumes, units = split_units(bare.pop(VOLUME, pl.Series("", dtype=pl.String)))
    prices = pl.concat([pl.Series("", dtype=pl.String), *bare.values()])
    cells = pl.concat([prices, volumes])
    shares = volumes.filter(units == 1)
    can_point = cells.str.contains(POINT)
    only_comma = cells.str.contains(COMMA) & ~can_point
    of_prices, of_volumes = only_comma.head(prices.len()), only_comma.tail(volumes.len())
    return Evidence(
        point=int((can_point & ~cells.str.contains(COMMA)).sum()),
        comma=int(only_comma.sum()),
        comma_share=max(float(part.mean() or 0) for part in (of_prices, of_volumes)),  # type: ignore[arg-type]
        grouped=int((can_point & (cells.str.count_matches(",", literal=True) > 1)).sum()),
        either=prices.filter(prices.str.contains(_EITHER_COMMA)),
        either_volumes=shares.filter(shares.str.contains(_EITHER_COMMA)),
        dotted=prices.filter(prices.str.contains(_EITHER_POINT)),
        others=prices.filter(prices.str.contains(r"^[+-]?\d+$")),
        has_plain_volumes=bool(shares.str.contains(r"^\d{4,}$").any()),
    )


def _by_context(evidence: Evidence, delimiter: str) -> Notation:
    """The notation where no cell is certain, by magnitudes, volumes and what separates cells."""
    if evidence.either.is_empty():
        is_alone = evidence.others.is_empty() and not evidence.has_plain_volumes
        if delimiter == ";" and evidence.dotted.len() and is_alone:
            raise BadInput(_undecided(evidence.dotted))
        return "point"
    grouped, decimal = (_magnitude(evidence.either.str.replace(",", mark)) for mark in ("", "."))
    others = _magnitude(evidence.others)
    if others:
        fits = [_is_same(others, magnitude) for magnitude in (grouped, decimal)]
        if fits.count(True) == 1:
            return "point" if fits[0] else "comma"
    if _has_thousandths(evidence.either_volumes):
        return "point"
    plain = evidence.has_plain_volumes and evidence.either_volumes.is_empty()
    if plain and delimiter not in (",", ""):
        return "comma"
    raise BadInput(_undecided(evidence.either))


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
