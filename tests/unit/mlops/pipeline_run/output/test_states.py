"""What a run of many says of shares that are not traded."""

from mlops.pipeline_run.output.states import state_lines


def states(*tickers):
    return dict.fromkeys(tickers, "suspended since 2026-01-05")


def test_what_is_left_out_is_counted_and_the_first_are_named():
    told = state_lines({"ticker": None, "left_out": states("A.NS", "B.NS", "C.NS", "D.NS")})

    assert list(told) == [
        "4 tickers are left out: stated to be suspended since 2026-01-05 (A.NS), suspended since "
        "2026-01-05 (B.NS), suspended since 2026-01-05 (C.NS) and 1 more; `python -m "
        "src.data.instruments list` shows why."
    ]


def test_what_is_run_nevertheless_is_told():
    assert list(state_lines({"ticker": None, "states": states("A.NS")})) == [
        "1 ticker is forecast though stated to be suspended since 2026-01-05 (A.NS); `python -m "
        "src.data.instruments list` shows why."
    ]
    assert list(state_lines({"ticker": None, "states": {}, "left_out": {}})) == []
