"""The peak of a process is its own."""

import subprocess
import sys

import numpy as np


def test_a_small_process_that_a_large_one_started_has_its_own_peak():
    large = np.ones(100_000_000)  # 763 MiB
    code = "from src.config.memory import peak_memory; print(peak_memory())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 5 < float(said.stdout) < 200
    assert large.nbytes > 700 * 2**20
