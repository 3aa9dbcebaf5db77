"""Keep the pool, the newest bar and the data hash of each ticker in ``pool_members``.

The data hash is of what features and labels are made of: the settings, the sessions and the clean
prices. These enter by a sum over rows, so that it also tells whether other prices begin with those
that it was made of.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.config.version import source_hash
from src.core.hashing import sessions_hash
from src.core.pools import SAMPLE_POOL, pool_of
from src.core.row_sums import hash_rows, sum_hashes
from src.core.tables import DATASETS, POOL_MEMBERS, SUMMED
from src.features.catalogue import features, version

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar

SAMPLE = "sample"
# The columns of clean prices that features and labels are made of.
COLUMNS = ("ticker", *SUMMED)


def members_of(
    clean: pl.DataFrame,
    stored: Mapping[str, Mapping[str, Any]],
    settings: Settings,
    calendar: Calendar,
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """The rows of ``pool_members``, and which tickers only got longer: by how many clean rows."""
    hashes = hash_rows(clean, SUMMED)
    days = clean["date"].to_numpy()
    # One synthetic bar is enough: a mixed series is no record of a market.
    synthetic = set(clean.filter(source=SAMPLE)["ticker"].unique())
    slices = dict(ticker_slices(clean))
    newest = clean[[where.stop - 1 for where in slices.values()]].iter_rows(named=True)
    members, longer = {}, {}
    for (ticker, where), row in zip(slices.items(), newest, strict=True):
        before = stored.get(ticker)
        if before is not None:
            day = before["newest_session"]
            end = where.start + int(days[where].searchsorted(np.datetime64(day), side="right"))
            beginning = sum_hashes(hashes[:, where.start : end])
            if data_hash(settings, calendar, day, beginning) == before["data_hash"]:
                longer[ticker] = where.stop - end
        members[ticker] = {
            **_member(row, synthetic=ticker in synthetic),
            "horizons": horizons_text(settings),
            "data_hash": data_hash(settings, calendar, row["date"], sum_hashes(hashes[:, where])),
        }
    return members, longer


def horizons_text(settings: Settings) -> str:
    """Sessions of the stored labels, such as ``1/63``."""
    return "/".join(str(getattr(settings.training.horizons, name)) for name in DATASETS)


def _member(newest: Mapping[str, Any], *, synthetic: bool) -> dict[str, Any]:
    return {
        "ticker": newest["ticker"],
        "pool": pool_of(newest["ticker"], synthetic=synthetic),
        "newest_session": newest["date"],
        "last_close": newest["close"],
        "source": newest["source"],
        "return_basis": newest["return_basis"],
        "features_version": version(),
    }


def members_frame(members: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as ``pool_members`` has them."""
    schema: dict[str, Any] = dict.fromkeys(POOL_MEMBERS.columns, pl.String)
    return pl.DataFrame(
        members, schema=schema | {"newest_session": pl.Date, "last_close": pl.Float64}
    )


def ticker_slices(rows: pl.DataFrame) -> Iterator[tuple[str, slice]]:
    """Each ticker of rows in key order, and where its rows are."""
    runs = rows["ticker"].rle().struct.unnest()
    start = 0
    for count, ticker in runs.select("len", "value").iter_rows():
        yield ticker, slice(start, start + count)
        start += count


def data_hash(settings: Settings, calendar: Calendar, newest: dt.date, row_sum: str) -> str:
    """A hash of what features and labels up to the ``newest`` bar are made of.

    These are the code, the version of inputs, windows, horizons, the sessions and the clean rows by
    their sum.
    """
    names = [feature.name for feature in features(settings.features)]
    made_of = (source_hash("features"), version(), names, horizons_text(settings))
    text = repr((*made_of, sessions_hash(calendar.array, newest), row_sum))
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


def member_after(before: Mapping[str, Any], newer: pl.DataFrame) -> dict[str, Any]:
    """The row of ``pool_members`` after newer clean rows of its ticker, but for the data hash."""
    synthetic = before["pool"] == SAMPLE_POOL or SAMPLE in newer["source"]
    newest = newer.row(-1, named=True)
    return {**before, **_member(newest, synthetic=synthetic)}
