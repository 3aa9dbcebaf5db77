from mlops.pipeline_run.output.progress import ProgressLines, count_sentence


def test_rate_and_time_left():
    assert (
        count_sentence(25, 141, 10.0)
        == "25 of 141 tickers, 2.5 a second, 46 s left before training"
    )
    assert count_sentence(2640, 2641, 10.0).endswith(", 1 s left before training")
    assert count_sentence(141, 141, 10.0) == "141 of 141 tickers, 14.1 a second"
    assert count_sentence(0, 141, 0.0) == "0 of 141 tickers"
    assert count_sentence(0.5, 1, 1.0) == ""


def test_a_line_is_written_after_each_block():
    written = []
    lines = ProgressLines(written.append)

    for block, stages in ((0, ("data_ingest", "data_cleaning")), (25, ("data_ingest",))):
        for part, stage in enumerate(stages):
            lines(stage, block + part * 6.25, 50)
    lines("training NSE", 50, 50)

    first, second = written
    assert "25 of 50 tickers, " in first
    assert "50 of 50 tickers, " in second
