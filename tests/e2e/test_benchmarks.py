"""The page of benchmarks is written by its command, in small sizes."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_quick_page_is_written_with_what_was_measured(tmp_path):
    folders = ["--docs", str(tmp_path / "docs"), "--results", str(tmp_path / "results")]

    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.page", "--quick"),
            *("--only", "features", "market", *folders),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "docs/benchmarks.md").read_text()
    assert "These figures are of small sizes" in text
    assert "growth of cpu with tickers: exponent" in text
    assert "- Serving: not measured" in text
    kept = json.loads((tmp_path / "results/features.json").read_text())
    # Each peer has a row, or a reason.
    named = {row["name"] for row in kept["peers"]} | {n.split(": ")[1] for n in kept["missing"]}
    assert named == {"pandas", "polars", "TA-Lib", "mlforecast", "Qlib"}
    assert (tmp_path / "docs/images/benchmarks/growth_0.svg").exists()
