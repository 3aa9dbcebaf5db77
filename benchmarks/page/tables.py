"""Put the rows of all parts into the tables and sentences of the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.page.chart import rounded
from benchmarks.page.result import Budget, Peer, Result

ABOUT = ("processor", "cores", "memory", "system", "python", "load before")


def share(row: Budget, limit: float) -> float:
    """How much of a limit is used: 1 at the limit, below 1 is better, 0 for nothing."""
    if row.value <= 0:
        return math.inf if row.higher else 0.0
    return limit / row.value if row.higher else row.value / limit


def worst(budgets: Sequence[Budget], peers: Sequence[Peer]) -> Iterator[str]:
    """The two worst ratios of all: how many times better than a limit or a peer."""
    used = [(share(row, row.must), row) for row in budgets]
    ratios = [(1 / part if part else math.inf, _of_limit(row)) for part, row in used]
    ratios += [
        (row.ratio, f"{row.task}: {rounded(row.ratio)} times as good as {row.name}")
        for row in peers
    ]
    if not ratios:
        return
    yield (
        "**The two worst ratios.** "
        + "; ".join(f"{number}. {words}" for number, (_, words) in enumerate(sorted(ratios)[:2], 1))
        + "."
    )
    missed = [row.what for row in budgets if share(row, row.must) > 1]
    behind = [f"{row.name} ({row.task})" for row in peers if row.ratio < 1]
    yield (
        f"Budgets missed: {', '.join(missed) or 'none'}. "
        f"Peers that are ahead of us: {', '.join(behind) or 'none'}."
    )


def _of_limit(row: Budget) -> str:
    return (
        f"{row.what}: {rounded(row.value)} {row.unit} where {rounded(row.must)} is the limit "
        f"({rounded(share(row, row.must))} of it)"
    )


def budgets(rows: Sequence[Budget]) -> str:
    """Every budget with its limits, and the share of them that is used."""
    lines = [
        "| what | measured | must | share of it | aim | share of it |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        sign = "≥" if row.higher else "≤"
        aim = "–" if row.aim is None else f"{sign} {rounded(row.aim)}"
        of_aim = "–" if row.aim is None else _share(row, row.aim)
        lines.append(
            f"| {row.what} | {rounded(row.value)} {row.unit}{_spread(row.low, row.high)} | {sign} "
            f"{rounded(row.must)} | {_share(row, row.must)} | {aim} | {of_aim} |"
        )
    return "\n".join(
        [*lines, "", "A share of 1 is the limit; below 1 is better, above is **missed**."]
    )


def _share(row: Budget, limit: float) -> str:
    used = share(row, limit)
    return f"**{rounded(used)}**" if used > 1 else rounded(used)


def _spread(low: float | None, high: float | None) -> str:
    return (
        "" if low is None or high is None or low == high else f" ({rounded(low)} – {rounded(high)})"
    )


def peers(rows: Sequence[Peer]) -> str:
    """Everybody who did the same work, with how many times better ours is."""
    lines = [
        "| the same work | peer | peer's | ours | times better |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        ratio = f"{rounded(row.ratio)}{_spread(row.low, row.high)}"
        name = f"{row.name} ({row.note})" if row.note else row.name
        lines.append(
            f"| {row.task} | {name} | {rounded(row.theirs)} {row.unit} "
            f"| {rounded(row.ours)} {row.unit} | {f'**{ratio}**' if row.ratio < 1 else ratio} |"
        )
    return "\n".join(lines)


def figures(values: Mapping[str, float]) -> str:
    """Named figures."""
    lines = [f"| {name} | {rounded(value)} |" for name, value in values.items()]
    return "\n".join(["| what | figure |", "| --- | --- |", *lines])


def missing(
    kept: Mapping[str, Mapping[str, Any]], found: Mapping[str, Result], titles: Mapping[str, str]
) -> str:
    """What failed or could not be measured, and why."""
    lines = [f"- {titles[n]}: failed: {c['failed']}" for n, c in kept.items() if "failed" in c]
    lines += [f"- {titles[name]}: not measured" for name in titles if name not in kept]
    for result in found.values():
        lines += [f"- {what}: not measured: {why}" for what, why in result.missing.items()]
    return "\n".join(lines) or "Nothing."


def machines(kept: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """The machine, date and seconds of each part."""
    lines = [
        "| part | measured | took | processor | cores | memory | system | Python | load before |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, content in kept.items():
        about = content["machine"]
        lines.append(
            f"| {titles[name]} | {about['measured']} | {content['took']:.0f} s "
            f"| {' | '.join(about[key] for key in ABOUT)} |"
        )
    return "\n".join(lines)


def versions(kept: Mapping[str, Mapping[str, Any]], found: Mapping[str, Result]) -> str:
    """Of the product's packages, and of the peers'."""
    own: dict[str, str] = {}
    for content in kept.values():
        own |= content["packages"]
    others: dict[str, str] = {}
    for result in found.values():
        others |= result.versions
    return f"Ours: {_list(own)}.\n\nThe peers': {_list(others) or 'none'}."


def _list(packages: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(packages.items()))
