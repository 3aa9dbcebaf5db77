"""Every module that can be run, started as a person does: nothing is imported beforehand."""

import pytest

from tests.conftest import ROOT

GUARD = 'if __name__ == "__main__":'
# Streamlit runs its pages itself.
PAGES = ROOT / "src" / "dashboard"
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
    for folder in ("src", "mlops")
    for path in (ROOT / folder).rglob("*.py")
    if GUARD in path.read_text() and PAGES not in path.parents
)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_can_be_run_tells_how(fresh, module):
    ran = fresh("-m", module, "--help")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: ")
