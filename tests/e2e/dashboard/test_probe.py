"""`python -m src.dashboard.probe`, as the health check of a container runs it."""

import shutil
import subprocess
import sys

import httpx

from tests.conftest import ROOT


def probe(tree, url):
    return subprocess.run(
        [sys.executable, "-m", "src.dashboard.probe", "--url", url],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_probe_fails_where_a_page_cannot_be_imported(dashboard, tmp_path):
    well = probe(ROOT, dashboard.url)
    assert (well.returncode, well.stdout, well.stderr) == (0, "", "")

    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    page = tmp_path / "src" / "dashboard" / "pages" / "analytics.py"
    page.write_text(f"import no_such_library\n{page.read_text()}".replace("from __future__", "#"))
    broken = probe(tmp_path, dashboard.url)
    assert broken.returncode == 1
    assert broken.stderr == (
        "The page Analytics cannot be drawn: ModuleNotFoundError: No module named "
        "'no_such_library'.\n"
    )
    # Streamlit's own health says nothing of it.
    assert httpx.get(f"{dashboard.url}/_stcore/health").status_code == 200

    away = probe(ROOT, "http://127.0.0.1:1")
    assert away.returncode == 1
    assert away.stderr.startswith("The dashboard does not answer at http://127.0.0.1:1 (")
