"""The page of benchmarks: what stands first, what a share is, and what failed."""

from dataclasses import asdict
from xml.dom.minidom import parseString

import pytest

from benchmarks.page import chart, document, tables
from benchmarks.page.result import Budget, Curve, Peer, Result, load
from benchmarks.parts import large, market

ABOUT = {
    "machine": dict.fromkeys(("measured", *tables.ABOUT), "x"),
    "packages": {"numpy": "2"},
    "quick": False,
    "took": 1.0,
}
FAST = Budget("fast", 1.0, "s", must=4.0, aim=2.0)
SLOW = Budget("slow", 6.0, "s", must=4.0, aim=2.0)
RATE = Budget("rate", 0.3, "", must=0.6, aim=0.8, higher=True)
AHEAD = Peer("work", "Ahead", 0.4, 10.0, 4.0, "cpu s", 0.3, 0.5)
BEHIND = Peer("work", "Behind", 3.0, 10.0, 30.0, "cpu s", 2.0, 4.0)


def page(tmp_path, kept):
    document.write(tmp_path, kept)
    return (tmp_path / "benchmarks.md").read_text()


def test_share_of_a_limit_is_above_one_where_it_is_missed_in_either_direction():
    assert tables.share(FAST, 4.0) == 0.25
    assert tables.share(SLOW, 4.0) == 1.5
    assert tables.share(RATE, 0.6) == 2.0


def test_page_begins_with_the_two_worst_ratios_of_limits_and_peers(tmp_path):
    result = Result(budgets=[FAST, SLOW, RATE], peers=[AHEAD, BEHIND])

    text = page(tmp_path, {"features": {**ABOUT, **asdict(result)}})

    worst = text.split("\n\n")[2]
    assert worst.startswith(
        "**The two worst ratios.** 1. work: 0.4 times as good as Ahead; 2. rate:"
    )
    assert "Budgets missed: slow, rate." in text
    assert "Peers that are ahead of us: Ahead (work)." in text
    assert (tmp_path / "images/benchmarks/budgets.svg").exists()


def test_failed_part_leaves_its_reason_and_the_others_stay(tmp_path):
    kept = {
        "features": {**ABOUT, **asdict(Result(budgets=[FAST], missing={"Qlib": "no wheel"}))},
        "serving": {**ABOUT, "failed": "no port was free"},
    }

    text = page(tmp_path, kept)

    assert "- Serving: failed: no port was free" in text
    assert "- Qlib: not measured: no wheel" in text
    assert "- Training: not measured" in text
    assert "| fast | 1 s | ≤ 4 | 0.25 | ≤ 2 | 0.5 |" in text


def test_result_comes_back_from_its_json():
    result = Result(budgets=[FAST], peers=[BEHIND], curves=[Curve("c", [1], [2], "n", "s")])

    assert load({**ABOUT, **asdict(result)}) == result


def test_pictures_are_xml_with_a_bar_or_a_point_for_every_value():
    bars = parseString(chart.bars("t", [("a & b", 0.5), ("c", 20.0)], 1, low_is_good=True))  # noqa: S318 - our own text
    lines = parseString(chart.lines("t", [Curve("c", [1, 8, 500], [3, 9, 700], "n", "s")]))  # noqa: S318 - our own text

    # One rectangle is the background.
    assert len(bars.getElementsByTagName("rect")) == 3
    assert len(lines.getElementsByTagName("circle")) == 3


def test_exponent_is_the_slope_between_logarithms():
    # 3 n^1.5 at 1, 4 and 16.
    assert market.exponent([1, 4, 16], [3, 24, 192]) == pytest.approx(1.5)


def test_large_run_refuses_in_one_sentence_where_the_disk_is_too_small():
    with pytest.raises(SystemExit, match=r"has .* GiB free and this needs .*: free some"):
        large.say_what_it_takes(10**12, 10**12)
