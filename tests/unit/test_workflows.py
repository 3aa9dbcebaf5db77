"""The workflows of GitHub: valid, pinned, with few rights, and without steps of their own."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
# A commit of the action's own repository, and the tag it has there.
PINNED = re.compile(r"uses: [\w-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def jobs(path):
    return yaml.safe_load(path.read_text())["jobs"]


@pytest.mark.parametrize("schema", ["github-workflows", "dependabot"])
def test_files_are_what_github_reads(schema):
    files = WORKFLOWS if schema == "github-workflows" else [ROOT / ".github" / "dependabot.yml"]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", f"--builtin-schema=vendor.{schema}", *files],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned_by_commit():
    lines = [line.strip() for path in WORKFLOWS for line in path.read_text().splitlines()]
    uses = [line.removeprefix("- ") for line in lines if "uses:" in line and "./" not in line]

    assert len(uses) > 5
    assert [line for line in uses if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read_and_end_by_themselves(path):
    content = yaml.safe_load(path.read_text())

    assert content["permissions"] == {"contents": "read"}
    assert "group" in content["concurrency"]
    assert all("timeout-minutes" in job or "uses" in job for job in content["jobs"].values())
    writers = [
        name for name, job in content["jobs"].items() if "write" in str(job.get("permissions"))
    ]
    assert writers == (["publish"] if path.stem == "release" else [])


def test_steps_call_what_anybody_can_run():
    steps = [
        step for path in WORKFLOWS for job in jobs(path).values() for step in job.get("steps", [])
    ]
    commands = [step["run"] for step in steps if "run" in step]
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for command in commands:
        words = command.removeprefix("sudo ").split()
        if words[0] == "make":
            assert words[1] in targets, command
        elif words[0] != "gh":
            assert (ROOT / words[0]).is_file(), command
    for folder in re.findall(r"tests/[\w/.]+", " ".join(commands)):
        assert (ROOT / folder).exists(), folder


def test_python_and_postgres_are_those_that_are_promised():
    matrix = jobs(FOLDER / "ci.yml")

    assert matrix["check"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert matrix["postgres"]["strategy"]["matrix"]["postgres"] == ["16", "18"]
