"""Keep the pool, the newest bar and the data hash of each ticker in ``pool_members``.

The data hash is of what features and labels are made of: the settings and the clean prices. These
enter row by row, so that it also tells whether other prices begin with those that it was made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.config.version import source_hash
from src.core.pools import pool_of
from src.core.tables import DATASETS, OHLCV, POOL_MEMBERS
from src.features.catalogue import features, version
from src.features.labels import session_numbers

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.arrays import Ints
    from src.core.calendars.calendar import Calendar

SAMPLE = "sample"
# The columns of clean prices that features and labels are made of.
NUMBERS, TEXTS = (*OHLCV, "adj_close"), ("source", "return_basis")
COLUMNS = ("ticker", "date", *NUMBERS, *TEXTS, "action_pending")


def members_of(
    clean: pl.DataFrame,
    stored: Mapping[str, Mapping[str, Any]],
    settings: Settings,
    calendar: Calendar,
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """The rows of ``pool_members``, and which tickers only got longer: by how many clean rows."""
    bits, basis = _row_bits(clean, calendar), _settings_text(settings)
    days = clean["date"].to_numpy()
    # One synthetic bar is enough: a mixed series is no record of a market.
    synthetic = set(clean.filter(source=SAMPLE)["ticker"].unique())
    slices = dict(ticker_slices(clean))
    newest = clean[[where.stop - 1 for where in slices.values()]].iter_rows(named=True)
    members, longer = {}, {}
    for (ticker, where), row in zip(slices.items(), newest, strict=True):
        before, known = stored.get(ticker), 0
        if before is not None:
            day = np.datetime64(before["newest_session"])
            known = int(days[where].searchsorted(day, side="right"))
        beginning, data_hash = _hash_rows(basis, bits[where], known)
        if before is not None and beginning == before["data_hash"]:
            longer[ticker] = where.stop - where.start - known
        members[ticker] = {
            **_member(row, synthetic=ticker in synthetic),
            "horizons": horizons_text(settings),
            "data_hash": data_hash,
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


def _settings_text(settings: Settings) -> str:
    """What else decides on the stored rows: the code and the inputs' version, windows, horizons."""
    names = [feature.name for feature in features(settings.features)]
    return repr((source_hash("features"), version(), names, horizons_text(settings)))


def _row_bits(clean: pl.DataFrame, calendar: Calendar) -> Ints:
    """Rows of clean prices with ``COLUMNS`` as bits; (n, 11), one row after the other in memory."""
    days = clean["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    numbers = [clean[name].to_numpy().astype(np.float64).view(np.int64) for name in NUMBERS]
    texts = [_text_bits(clean[name]) for name in TEXTS]
    pending = clean["action_pending"].to_numpy().astype(np.int64)
    sessions = session_numbers(clean["date"], calendar)
    return np.stack([days, sessions, *numbers, *texts, pending], axis=1)


def _hash_rows(basis: str, bits: Ints, known: int) -> tuple[str, str]:
    """The hash of the first ``known`` rows, and that of all."""
    digest = hashlib.blake2b(basis.encode(), digest_size=32)
    digest.update(bits[:known].data)
    beginning = digest.hexdigest()
    digest.update(bits[known:].data)
    return beginning, digest.hexdigest()


def _text_bits(texts: pl.Series) -> Ints:
    """A number for each text, equal for equal texts in all processes."""
    hashes = {text: hashlib.blake2b(text.encode(), digest_size=8) for text in texts.unique()}
    bits = {text: int.from_bytes(each.digest(), signed=True) for text, each in hashes.items()}
    return texts.replace_strict(bits, return_dtype=pl.Int64).to_numpy()
