"""Draw the diagrams of `docs/` by Mermaid in a browser: `python -m website.diagrams MERMAID.JS`.

Mermaid's `mermaid.min.js` is three megabytes, so it is not kept here: `npm pack mermaid` has it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
FOLDER = "images/diagrams"
MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def picture_of(source: str) -> Path:
    """Where the picture of a diagram is; its name changes with the diagram."""
    return DOCS / FOLDER / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.svg"


def sources() -> list[str]:
    """The diagrams of all pages."""
    return [
        text for page in sorted(DOCS.glob("*.md")) for text in MERMAID.findall(page.read_text())
    ]


def main(script: Path) -> None:
    """Draw what has no picture, and remove pictures of diagrams that are gone."""
    from playwright.sync_api import sync_playwright

    wanted = {picture_of(source): source for source in sources()}
    (DOCS / FOLDER).mkdir(parents=True, exist_ok=True)
    for old in set((DOCS / FOLDER).glob("*.svg")) - set(wanted):
        old.unlink()
    with sync_playwright() as player:
        page = player.chromium.launch(executable_path=shutil.which("chromium")).new_page()
        page.add_script_tag(path=script)
        for path, source in wanted.items():
            drawn = page.evaluate(DRAW, source)
            path.write_text(drawn + "\n", encoding="utf-8")


DRAW = """async source => {
    // Labels as text of SVG, which shows in an <img>; HTML within SVG does not everywhere.
    mermaid.initialize({startOnLoad: false, theme: "neutral", htmlLabels: false,
        flowchart: {htmlLabels: false, useMaxWidth: false}, fontFamily: "sans-serif"});
    return (await mermaid.render("diagram", source)).svg;
}"""

if __name__ == "__main__":
    main(Path(sys.argv[1]))
