"""What a training run found of one ticker in; one HTML file that needs no network out.

On top what is said now and what that is worth, below it the evidence of each horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from src.modeling.intervals.distribution import rise_probability
from src.modeling.intervals.quantiles import INTERVALS, interval_bounds
from src.modeling.training.report import fan, wording
from src.modeling.training.report.data import CurrentForecast, HorizonRecord, ReportData
from src.modeling.training.report.sections import Part, Shown, note, parts
from src.modeling.training.report.statistics import HorizonStatistics, horizon_statistics
from src.stages.html_page import document, picture, table

STYLE = """
h2 { border-top: 2px solid var(--line); padding-top: 1.2rem; font-size: 1.35rem; }
h3 { margin: 1.8rem 0 .3rem; font-size: 1.02rem; }
.unsure { display: inline-block; margin: .2rem .4rem .2rem 0; padding: .25rem .7rem;
  border-radius: 1rem; background: #fdf3d8; color: #6b4e00; }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; margin: .8rem 0; }
.card h2 { border: 0; margin: 0 0 .3rem; padding: 0; font-size: 1.15rem; }
.card table, details table { margin-top: .5rem; }
th, td.name { white-space: nowrap; }
td.words { min-width: 13rem; }
.picture.tall { height: 30rem; }
.picture.short { height: 13rem; }
dl { max-width: 60rem; } dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; }
"""
TITLE = "how sure are the forecasts?"
LOOKS = {"better": "good", "worse": "bad"}
WORDS = (
    ("n", "how many pairs of a forecast and what then happened a number is made of."),
    (
        "n_eff",
        "how many periods among them do not overlap: distinct dates divided by the sessions ahead. "
        "Tickers of one date count once, since the market moves them together. Below about 30 "
        "little is sure.",
    ),
    ("gain, skill", "1 less its average error over that of the baseline: +1 % is 1 % less error."),
    (
        "90 % interval",
        "where the true value may lie, allowing for labels that overlap (Newey-West errors with "
        "the wider limits of Kiefer and Vogelsang). One in ten such intervals misses. None is "
        "given for fewer than four periods.",
    ),
    (
        "CRPS",
        "an error for a whole range instead of a number: it punishes ranges that miss and ranges "
        "that are too wide.",
    ),
    (
        "P(rise)",
        "the forecast share of outcomes above zero; between 2.5 % and 97.5 %, more is not known.",
    ),
)


def page(run: ReportData) -> str:
    """The whole page; every text of others in it is escaped."""
    found = [(one, horizon_statistics(one, run.column)) for one in run.horizons]
    body: list[Part] = [_head(run)]
    body += [_card(one, scores) for one, scores in found]
    body.append(_dictionary())
    for one, scores in found:
        body += parts(run, one, scores)
    body.append(_foot(run))
    return document(f"{run.ticker}: {TITLE}", _markup(body), STYLE)


def _markup(body: Sequence[Part]) -> list[str]:
    drawn, made = 0, []
    for part in body:
        if isinstance(part, Shown):
            made.append(picture(part.figure, part.look, f"picture-{drawn}", library=drawn == 0))
            drawn += 1
        else:
            made.append(part)
    return made


def _head(run: ReportData) -> str:
    sessions = f"{run.sessions.size:,} sessions"
    if run.sessions.size:
        sessions += f", {run.sessions[0]} to {run.sessions[-1]}"
    mates = len(run.tickers) - 1
    pool = f"pooled with {mates:,} other tickers" if mates else "alone, without a pool"
    return (
        f"<h1>{escape(run.ticker)}: {TITLE}</h1>\n"
        '<p><span class="unsure">This is not advice: a measured forecast, and how far to trust '
        f"it.</span></p>\n{note(f'{sessions}; {pool}.')}"
    )


def _card(record: HorizonRecord, scores: HorizonStatistics) -> str:
    current = record.status
    said = current.verdict.verdict if current.verdict else "not judged"
    name = wording.horizon_name(record.horizon).capitalize()
    return (
        f'<div class="card"><h2>{escape(name)}</h2>'
        f'<p><span class="{LOOKS.get(said, "unsure")}">{escape(said)}</span>'
        f"{escape(wording.verdict(current, record.challenger))}</p>"
        f"<p>{escape(wording.served(current))}</p>"
        f"{_forecast(current.forecast, scores)}</div>"
    )


def _forecast(one: CurrentForecast | None, scores: HorizonStatistics) -> str:
    if one is None:
        return note("Nothing can be forecast now.")
    sure = "estimated: the calendar is not certain that far" if one.target_date_estimated else ""
    rows = [
        ("made at the close of", f"{one.feature_date}, {one.last_close:,.2f}"),
        ("about", f"{one.target_date}" + (f" ({sure})" if sure else "")),
        (
            "served forecast",
            f"{wording.signed(one.point)}, {one.last_close * (1 + one.point):,.2f}",
        ),
    ]
    if not fan.known(one):
        return table((), rows) + note("Its range is not known: too few outcomes are stored.")
    whole = scores.coverage[0.9][0]
    rises = float(rise_probability(one.quantiles))
    rests = f"ranges scored on n = {whole.n:,}, n_eff = {wording.n_eff(whole.n_eff)}"
    rows.append(("P(rise)", f"{wording.percent(rises, 0)} ({rests})"))
    names = ("interval", "return", "close", "such intervals held", "n", "n_eff")
    kinds = ("name", *["number"] * 5)
    return table((), rows) + table(
        names, [_interval(one, share, scores) for share in INTERVALS], kinds
    )


def _interval(one: CurrentForecast, share: float, scores: HorizonStatistics) -> tuple[str, ...]:
    low, high = (float(one.quantiles[at]) for at in interval_bounds(share))
    ends = [one.last_close * (1 + end) for end in (low, high)]
    past = scores.coverage[share][0]
    return (
        f"{share:.0%}",
        wording.span(low, high),
        f"{ends[0]:,.2f} to {ends[1]:,.2f}",
        wording.percent(past.value),
        f"{past.n:,}",
        wording.n_eff(past.n_eff),
    )


def _dictionary() -> str:
    said = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in WORDS)
    return f"<details><summary>What the words mean</summary><dl>{said}</dl></details>"


def _foot(run: ReportData) -> str:
    told = (
        f"Run {run.run_id}, {run.time:%Y-%m-%d %H:%M} UTC, of prices with the hash "
        f"{run.data_hash}. Returns include dividends where they are known. With a pool of five "
        "tickers or more, sessions on which fewer than five had an outcome are left out."
    )
    return f"<footer>{escape(told)}</footer>"
