"""Arguments that several commands share."""

import pytest

from src.core.errors import UsageError
from src.stages.arguments import add_engine, command_parser, listed_tickers


def test_a_list_is_a_text_with_commas_or_a_file(tmp_path):
    path = tmp_path / "tickers.txt"
    path.write_text("tcs  # the first\n\nM&M, nse:infy-eq\nTCS.NS\n")

    assert listed_tickers("tcs, aapl", "") == ("TCS", "AAPL")
    assert listed_tickers(str(path), ".NS") == ("TCS.NS", "M&M.NS", "INFY.NS")


@pytest.mark.parametrize("text", ["", " , ", "TCS.NS,no ticker"])
def test_a_list_without_tickers_is_refused(text):
    with pytest.raises(UsageError):
        listed_tickers(text, ".NS")


@pytest.mark.parametrize("text", ["/tmp/none.txt", "lists/none", "none.TXT", "C:\\\\none"])
def test_a_file_that_is_not_there_is_said_to_be_missing(text):
    with pytest.raises(UsageError, match="there is no such file"):
        listed_tickers(text, ".NS")


def test_workers_and_a_cluster_exclude_each_other(capsys):
    parser = command_parser("mlops.pipeline", "Run.")
    add_engine(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--workers", "2", "--engine", "dask://127.0.0.1:8786"])
    assert ended.value.code == 2
    assert "--engine: not allowed with argument --workers" in capsys.readouterr().err
