import numpy as np
import pytest

from src.core.errors import BadInput
from src.modeling import evaluate
from src.modeling.evaluation.forecast_record import to_parquet
from tests.support.report_data import record


def test_the_forecasts_of_a_model_set_are_read_as_those_of_a_backtest(tmp_path):
    made = record(1, rows=30, tickers=("A.NS", "B.NS"))
    path = tmp_path / "forecasts.parquet"
    path.write_bytes(to_parquet(made))

    table = evaluate.read(path)

    # Four series of two tickers at 30 sessions, of which the last has no outcome yet.
    assert table.height == 4 * 2 * 30
    assert table["actual"].null_count() == 4 * 2
    (row,) = table.filter(model="drift", ticker="B.NS", made=made.sessions[7].item()).to_dicts()
    assert row["horizon"] == 1
    assert row["point"] == np.float32(0.001)
    assert row["actual"] == np.float32(made.actual[7, 1])
    # 5 % and 95 % of a normal distribution, and the quartiles.
    assert (row["lo90"], row["hi90"]) == pytest.approx((-0.0329, 0.0329), abs=1e-4)
    assert (row["lo50"], row["hi50"]) == pytest.approx((-0.0135, 0.0135), abs=1e-4)


def test_a_damaged_record_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "forecasts.parquet"
    path.write_bytes(to_parquet(record(1, rows=5))[:-3])

    with pytest.raises(BadInput, match=r"it is no record of forecasts: give a file that src\.mode"):
        evaluate.read(path)
