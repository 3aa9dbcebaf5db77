from mlops.pipeline_run.output.warning_kinds import count_by_kind


def test_few_of_a_kind_are_shown_one_by_one():
    warnings = [f"{ticker}: 3 sessions have no bar." for ticker in ("TCS.NS", "M&M.NS")]

    assert count_by_kind([*warnings, warnings[0], "Another."]) == [*warnings, "Another."]


def test_many_that_differ_in_tickers_numbers_and_dates_are_one():
    warnings = [
        f"T{n}.NS: {n * 1000:,} rows to 2026-01-{n:02}, {n / 7:.1%}." for n in range(10, 20)
    ]

    assert count_by_kind(["First.", *warnings]) == [
        "First.",
        f"{warnings[0]} (9 more like this one are in results.json.)",
    ]
