"""Add the pages that are not in `docs/` to the site, and draw its diagrams from stored pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from website.api import api_page
from website.diagrams import FOLDER, MERMAID, picture_of

ROOT = Path(__file__).resolve().parents[1]
# The classes of the guide, where they are defined.
PYTHON = """# From Python

    from mlops.pipeline import MLOpsPipeline
    from mlops.monitoring import DeploymentManager, MetricsCollector, ModelMonitor

::: mlops.pipeline.MLOpsPipeline
::: mlops.model_monitor.ModelMonitor
::: src.monitoring.health.report.HealthCheck
::: mlops.metrics_collector.MetricsCollector
::: mlops.deployment.DeploymentManager
"""


def on_files(files: Files, config: Any) -> Files:
    """Add README, changelog and the generated pages."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {
        "index.md": re.sub(r'(\(|")docs/', r"\1", readme).replace("(LICENSE)", "(#)"),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "api.md": api_page(),
        "python.md": PYTHON,
        "wide.css": (ROOT / "website/wide.css").read_text(encoding="utf-8"),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Link to the page that README is here, and show the picture of each diagram."""

    def picture(block: re.Match[str]) -> str:
        path = picture_of(block[1])
        if not path.exists():
            raise PluginError(
                f"A diagram of {page.file.src_uri} was not drawn: run `python -m website.diagrams`."
            )
        # Its lines are dark in either scheme.
        return f'![Diagram]({FOLDER}/{path.name}){{ style="background:#fff" }}'

    markdown = MERMAID.sub(picture, markdown).replace("(../README.md", "(index.md")
    # Other files of the checkout are not on the site.
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"`\1`", markdown)
