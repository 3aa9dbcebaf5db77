"""Price files as a source reads them."""

import datetime as dt

from src.core.calendars.nse import nse
from src.data.sources.files.source import FileSource

NOW = dt.datetime(2026, 4, 20, 12, tzinfo=dt.UTC)


def file_source(*paths, **options):
    return FileSource(paths, **{"calendar": nse(), "now": NOW, **options})


def all_deliveries(source):
    """Every delivery of the files, ticker by ticker."""
    return [
        delivery
        for ticker in source.tickers()
        for kind in ("daily", "hourly")
        for delivery in source.fetch(kind, ticker, None, None)
    ]
