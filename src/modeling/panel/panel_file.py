"""Keep the rows of a pool's panel on disk, in segments that never change once they are written.

A manifest names the segments and says what each ticker's rows were made of. It is replaced in one
step; files that are missing, damaged, of another layout or not sealed by the key are as if there
were none. Panels end in signed models: with a signing key a manifest counts only if it is sealed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.core.arrays import Singles
from src.modeling.panel.panel_rows import BAR, LABEL, PanelRows, Records

MANIFEST = "manifest.json"
# Changes with what a segment's bytes mean.
LAYOUT = 1


@dataclass(frozen=True)
class FileTicker:
    """What the rows of a ticker in the files were made of.

    Attributes:
        data_hash: Of its row of ``pool_members``.
        newest: Its newest session, as ISO date.
        bars: How many of them there are.
        changes: Of its row of ``feature_series``.
    """

    data_hash: str
    newest: str
    bars: int
    changes: int


@dataclass(frozen=True)
class Segment:
    """A file of rows: how many bars and labels (by horizon, as text) it has, and its SHA-256."""

    file: str
    bars: int
    labels: Mapping[str, int]
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is in the files of a pool.

    Attributes:
        names: Of the model inputs.
        tickers: By ticker, ascending.
    """

    names: Sequence[str]
    tickers: Mapping[str, FileTicker]
    segments: Sequence[Segment]

    @property
    def horizons(self) -> list[str]:
        """Of the labels, in sessions; in their order in a file."""
        return sorted(self.segments[0].labels, key=int)


class PanelFile:
    """The files of one pool.

    Args:
        folder: Of the files; created when first needed.
        key: Seals the manifest; without one only damage is noticed.
    """

    def __init__(self, folder: Path, key: bytes | None = None) -> None:
        self.folder, self._key = folder, key

    def manifest(self) -> Manifest | None:
        """What is kept; None if nothing is, or nothing that can be read."""
        try:
            sealed = json.loads((self.folder / MANIFEST).read_bytes())
            if not hmac.compare_digest(self._seal(sealed["body"]), sealed["seal"]):
                return None
            body = json.loads(sealed["body"])
            return Manifest(
                tuple(body["names"]),
                {ticker: FileTicker(**facts) for ticker, facts in body["tickers"].items()},
                [Segment(**segment) for segment in body["segments"]],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read(self, manifest: Manifest, newer: PanelRows | None = None) -> PanelRows | None:
        """The rows that a manifest tells of, with newer ones behind them.

        None where a file is missing or damaged.
        """
        kept, behind = manifest.segments, [] if newer is None else [newer]
        more = sum(after.bars.size for after in behind)
        bars = np.empty(sum(segment.bars for segment in kept), dtype=BAR)
        inputs = np.empty((bars.size + more, len(manifest.names)), dtype=np.float32)
        labels = {
            horizon: np.empty(sum(segment.labels[horizon] for segment in kept), dtype=LABEL)
            for horizon in manifest.horizons
        }
        first, first_labels = 0, dict.fromkeys(labels, 0)
        for segment in kept:
            end = first + segment.bars
            parts: list[Any] = [bars[first:end], inputs[first:end]]
            for horizon, rows in labels.items():
                start = first_labels[horizon]
                first_labels[horizon] += segment.labels[horizon]
                parts.append(rows[start : first_labels[horizon]])
            if not self._fill(segment, parts):
                return None
            first = end
        for after in behind:
            inputs[first:] = after.inputs
        return PanelRows(
            tuple(manifest.tickers),
            np.concatenate([bars, *(after.bars for after in behind)]),
            inputs,
            {
                int(horizon): np.concatenate(
                    [rows, *(after.labels[int(horizon)] for after in behind)]
                )
                for horizon, rows in labels.items()
            },
        )

    def write(
        self, rows: PanelRows, names: Sequence[str], tickers: Mapping[str, FileTicker]
    ) -> None:
        """Keep these rows in the place of all that was kept."""
        self._keep(names, tickers, [], rows)

    def append(
        self, manifest: Manifest, newer: PanelRows, tickers: Mapping[str, FileTicker]
    ) -> None:
        """Keep newer rows behind those of a manifest."""
        self._keep(manifest.names, tickers, manifest.segments, newer)

    def _keep(
        self,
        names: Sequence[str],
        tickers: Mapping[str, FileTicker],
        before: Sequence[Segment],
        rows: PanelRows,
    ) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            manifest = Manifest(list(names), tickers, [*before, self._write_segment(rows)])
            body = json.dumps(asdict(manifest), sort_keys=True)
            sealed = json.dumps({"body": body, "seal": self._seal(body)})
            partial = self.folder / f".{uuid.uuid4().hex}"
            partial.write_text(sealed)
            partial.replace(self.folder / MANIFEST)
            self._remove_others(manifest)
        except OSError:
            # The files only save time: a full disk must not stop the forecast.
            return

    def _write_segment(self, rows: PanelRows) -> Segment:
        path, digest = self.folder / uuid.uuid4().hex, hashlib.sha256()
        try:
            with path.open("xb") as file:
                for part in _parts(rows):
                    digest.update(part)
                    file.write(part)
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        labels = {str(horizon): labels.size for horizon, labels in rows.labels.items()}
        return Segment(path.name, rows.bars.size, labels, digest.hexdigest())

    def _remove_others(self, manifest: Manifest) -> None:
        """Also what a killed run left; who reads them meanwhile reads the tables."""
        kept = {MANIFEST, *(segment.file for segment in manifest.segments)}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _fill(self, segment: Segment, parts: Sequence[Records | Singles]) -> bool:
        digest = hashlib.sha256()
        try:
            with (self.folder / segment.file).open("rb", buffering=0) as file:
                size = sum(part.nbytes for part in parts)
                if os.fstat(file.fileno()).st_size != size:
                    return False
                for part in filter(len, parts):
                    view = part.view(np.uint8).reshape(-1).data
                    done = 0
                    while done < len(view):
                        count = file.readinto(view[done:])
                        if not count:
                            return False
                        done += count
                    digest.update(view)
        except OSError:
            return False
        return digest.hexdigest() == segment.sha256

    def _seal(self, body: str) -> str:
        text = f"panel {LAYOUT} {self.folder.name}\n{body}".encode()
        if self._key is None:
            return hashlib.sha256(text).hexdigest()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()


def _parts(rows: PanelRows) -> Iterator[memoryview]:
    labels = [rows.labels[horizon] for horizon in sorted(rows.labels)]
    for part in (rows.bars, rows.inputs, *labels):
        if part.size:
            yield np.ascontiguousarray(part).view(np.uint8).reshape(-1).data
