"""Write `docs/benchmarks.md` and its pictures from the results that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.page import chart, tables
from benchmarks.page.catalogue import LARGE, PARTS
from benchmarks.page.result import Budget, Curve, Peer, Result, load

PICTURES = "images/benchmarks"
TITLES = {part.name: part.title for part in (*PARTS, LARGE)}
Kept = Mapping[str, Mapping[str, Any]]


def write(docs: Path, kept: Kept) -> None:
    """The page and its pictures into ``docs``."""
    found = {name: load(content) for name, content in kept.items() if "failed" not in content}
    ordinary = {name: result for name, result in found.items() if name != LARGE.name}
    budgets = [row for result in found.values() for row in result.budgets]
    peers = [row for result in ordinary.values() for row in result.peers]
    drawn = dict(_pictures(budgets, peers, found))
    folder = docs / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for old in set(folder.glob("*.svg")) - {folder / name for name in drawn}:
        old.unlink()
    for name, picture in drawn.items():
        (folder / name).write_text(picture)
    sections = _sections(kept, found, budgets, peers, drawn)
    (docs / "benchmarks.md").write_text("\n\n".join(sections) + "\n")


def _sections(
    kept: Kept,
    found: Mapping[str, Result],
    budgets: Sequence[Budget],
    peers: Sequence[Peer],
    drawn: Mapping[str, str],
) -> Iterator[str]:
    yield "# Benchmarks"
    yield (
        "Written by `make bench`; what is said of workers and of 2,000 tickers by "
        "`make bench-large`. Everything is a ratio, measured in one run and in turn (A B A B; "
        "medians, with the least and the greatest of the rounds), because machines differ. No test "
        "asserts on time."
    )
    if any(content.get("quick") for content in kept.values()):
        yield "**These figures are of small sizes (`--quick`) and mean little.**"
    yield from tables.worst(budgets, peers)
    if budgets:
        yield "## Budgets"
        yield tables.budgets(budgets)
        yield from _shown(drawn, "budgets.svg", "Share of each budget's limit")
    if peers:
        yield "## Beside the peers"
        yield tables.peers(peers)
        yield from _shown(drawn, "peers.svg", "How many times better than each peer")
    if any(name.startswith("growth") for name in drawn):
        yield "## Growth"
        yield from _growth(found, drawn)
    yield from _figures(found)
    yield "## 2,000 tickers of 5,000 sessions"
    yield from _large(kept, found)
    yield "## What was not measured"
    yield tables.missing(kept, found, TITLES)
    yield "## Where and with what"
    yield tables.machines(kept, TITLES)
    yield tables.versions(kept, found)


def _growth(found: Mapping[str, Result], drawn: Mapping[str, str]) -> Iterator[str]:
    yield from found["market"].notes if "market" in found else ()
    for picture in drawn:
        if picture.startswith("growth"):
            yield f"![{picture.removesuffix('.svg').replace('_', ' ')}]({PICTURES}/{picture})"


def _figures(found: Mapping[str, Result]) -> Iterator[str]:
    """What else each part has to tell, but for the growth and the large run."""
    yield "## Figures of this machine"
    for name, result in found.items():
        if name != LARGE.name and result.figures:
            yield f"### {TITLES[name]}"
            yield tables.figures(result.figures)
        if name not in (LARGE.name, "market"):
            yield from result.notes


def _large(kept: Kept, found: Mapping[str, Result]) -> Iterator[str]:
    if LARGE.name not in found:
        why = kept.get(LARGE.name, {}).get("failed")
        yield f"Failed: {why}." if why else "Not measured yet: `make bench-large` does it."
        return
    result = found[LARGE.name]
    yield "\n".join(result.notes)
    if result.figures:
        yield tables.figures(result.figures)


def _shown(drawn: Mapping[str, str], name: str, words: str) -> Iterator[str]:
    if name in drawn:
        yield f"![{words}]({PICTURES}/{name})"


def _pictures(
    budgets: Sequence[Budget], peers: Sequence[Peer], found: Mapping[str, Result]
) -> Iterator[tuple[str, str]]:
    if budgets:
        shares = [(row.what, tables.share(row, row.must)) for row in budgets if row.value > 0]
        yield (
            "budgets.svg",
            chart.bars(
                "Share of each limit (1 = the limit; left of it is better)",
                shares,
                1,
                low_is_good=True,
            ),
        )
    if peers:
        ratios = [(f"{row.name}: {row.task}", row.ratio) for row in peers]
        yield (
            "peers.svg",
            chart.bars("Times better than the peer (1 = alike)", ratios, 1, low_is_good=False),
        )
    groups: dict[tuple[str, str], list[Curve]] = {}
    for result in found.values():
        for curve in result.curves:
            groups.setdefault((curve.x_unit, curve.y_unit), []).append(curve)
    for number, ((x_unit, y_unit), curves) in enumerate(groups.items()):
        yield f"growth_{number}.svg", chart.lines(f"{y_unit} by {x_unit}", curves)
