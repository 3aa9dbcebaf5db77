"""The page of benchmarks is written by its command, in small sizes."""

import ast
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from src.db.database import DATA_DIR
from tests.conftest import ROOT
from tests.support.services import eventually

pytestmark = pytest.mark.slow

# Says where its home is, and takes for ever.
PART = """
import time
from benchmarks.page.result import main
from benchmarks.parts.home import temporary_home
def measure(quick):
    with temporary_home() as home:
        print(home.folder, flush=True)
        home.run(["http.server", "0"])
main(measure, None)
"""


def test_a_part_that_is_ended_leaves_neither_its_server_nor_its_home():
    command = [sys.executable, "-c", PART]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        home = Path(process.stdout.readline().strip())
        server = int((home / DATA_DIR / "postmaster.pid").read_text().split()[0])
        eventually((home / "output.txt").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert not home.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


# Other people's software is not installed here, and a command runs when it is imported.
MODULES = [
    path.relative_to(ROOT)
    for path in sorted((ROOT / "benchmarks").rglob("*.py"))
    if path.parent.name != "peers" and path.name != "__main__.py"
]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_finds_what_it_takes_from_others(path):
    module = importlib.import_module(".".join(path.with_suffix("").parts))

    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            taken_from = getattr(module, node.value.id, None)
            if isinstance(taken_from, ModuleType):
                assert hasattr(taken_from, node.attr), ast.unparse(node)


@pytest.mark.long
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
