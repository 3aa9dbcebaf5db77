"""Find the shell lines of README and `docs/`: what a reader may type into a terminal or psql."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = (
    "airflow|cat|chown|chmod|cp|crontab|curl|df|docker|docker-compose|du|git|journalctl|kill|ls|make"
    "|mkdir|mv|npm|openssl|pg_dump|pg_isready|pg_restore|pip|printf|prometheus|promtool|ps|psql"
    "|python|rm|sed|streamlit|sudo|systemctl|systemd-analyze|tail|tar|unzip|uvicorn"
)
# Variables before a program, and a cron line's five times.
BEFORE = r"""(?:[A-Z][A-Z_]+=(?:'[^']*'|"[^"]*"|\S)+ +|(?:[\d*/,-]+ +){2}[\d*/, -]+ )*"""
START = re.compile(rf"{BEFORE}(?:cd \S+ && )?(?:\S*/bin/)?(?:{PROGRAMS})[\d.]*(?= )")
SQL = re.compile(r"SELECT |SHOW ")
ACTIVATE = re.compile(r"\. \S+/activate")


def lines_of(text: str) -> Iterator[str]:
    """Each line of a page that begins with a program and has arguments, without its comment."""
    fence = None
    for line in text.splitlines():
        if opening := re.match(r"\s*```(\w*)", line):
            fence = opening[1] if fence is None else None
        elif fence is not None or line.startswith("    "):
            yield from _lines(line.strip() if fence in (None, "", "bash", "sh", "sql") else "")
        else:
            for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
                yield from _lines(code)


def pages(root: Path) -> list[Path]:
    """README and the documents that tell a reader what to type."""
    documents = set((root / "docs").glob("*.md")) - {root / "docs" / "decisions.md"}
    return [root / "README.md", *sorted(documents)]


def _lines(line: str) -> Iterator[str]:
    command = re.sub(r"\s+#.*", "", line)
    if START.match(command) or SQL.match(command) or ACTIVATE.match(command):
        yield command
