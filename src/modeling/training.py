"""A dataset in; the candidate with its walk-forward scores and the gate's verdict out; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from src.features import canary
from src.modeling import candidates, gate, scoring, walk_forward
from src.modeling.names import CONFIGURATIONS
from src.registry.model_file import LinearModel

if TYPE_CHECKING:
    from src.config.settings import TrainingSettings
    from src.core.exchanges import TradingCalendar
    from src.modeling.datasets import Dataset

CANDIDATE = "ridge"


@dataclass(frozen=True)
class Trained:
    """A candidate and its walk-forward scores; ``name`` is ``zero`` when none could be fitted."""

    name: str
    model: LinearModel
    metrics: Sequence[Mapping[str, Any]]
    verdict: str
    reason: str
    refits: int


def likely_leak(dataset: Dataset) -> str | None:
    """Why nothing may be trained: a feature goes with the next return as nothing honest does."""
    names = [dataset.features[column] for column in scale_free(dataset.features)]
    features = {name: dataset.frame[name].to_numpy()[:, None] for name in names}
    found = canary.correlations(features, dataset.frame["target"].to_numpy()[:, None])
    return next((one.message for one in found if one.leaks), None)


def train(
    dataset: Dataset,
    horizon: int,
    settings: TrainingSettings,
    calendar: TradingCalendar,
    *,
    floor: float,
) -> Trained:
    """Walk the candidate forward beside its baselines, then fit it on all realised labels.

    The gate judges it by those forecasts; ``floor`` is the least relative gain in MAE. One ticker
    alone can hardly ever decide, least of all a quarter ahead.

    A series too short for one fold gives ``zero`` with the verdict ``undecided``.
    """
    names = dataset.features
    if dataset.frame.is_empty():
        return _too_short(names, 0, horizon, settings)
    inputs, targets = dataset.frame.select(names).to_numpy(), dataset.frame["target"].to_numpy()
    folds = walk_forward.folds(
        days := dataset.frame["date"].to_numpy(),
        dataset.frame["label_end"].to_numpy(),
        test_share=settings.test_share,
        refit_every=settings.refit_every,
        embargo=settings.embargo,
        min_train=settings.min_train_rows,
        calendar_ids=calendar.session_ids,
    )
    if not folds:
        return _too_short(names, len(targets), horizon, settings)
    columns = scale_free(names)
    tested = np.concatenate([fold.test for fold in folds])
    said = {
        name: np.concatenate(
            [_walked(fit, inputs, targets, fold, columns, horizon) for fold in folds]
        )
        for name, fit in candidates.CANDIDATES.items()
    }
    fitted = candidates.CANDIDATES[CANDIDATE](inputs, targets, columns=columns, horizon=horizon)
    judged = gate.judge(
        targets[tested][:, None],
        said[CANDIDATE][:, None],
        rules=gate.rules_for(horizon, floor, CONFIGURATIONS),
    )
    return Trained(
        name=CANDIDATE,
        model=fitted.named(names),
        metrics=scoring.table(targets[tested], said, horizon=horizon, dates=days[tested]),
        verdict=judged.verdict,
        reason=judged.reason.rstrip("."),
        refits=len(folds),
    )


def scale_free(names: Sequence[str]) -> list[int]:
    """Positions of the features that mean the same at every price level."""
    return [
        at for at, name in enumerate(names) if not (name.startswith("sma_") or name == "volume")
    ]


def _walked(
    fit: candidates.Fit,
    inputs: np.ndarray,
    targets: np.ndarray,
    fold: walk_forward.Fold,
    columns: Sequence[int],
    horizon: int,
) -> np.ndarray:
    model = fit(inputs[fold.train], targets[fold.train], columns=columns, horizon=horizon)
    return model.predict(inputs[fold.test])


def nothing_trained(names: tuple[str, ...], leak: str) -> Trained:
    """Zero, since what would be learnt could be the future itself."""
    return Trained(
        name="zero",
        model=LinearModel(names, np.zeros(len(names)), 0.0),
        metrics=(),
        verdict="undecided",
        reason=f"a leak is likely, so nothing was trained and zero is served ({leak})",
        refits=0,
    )


def _too_short(
    names: tuple[str, ...], rows: int, horizon: int, settings: TrainingSettings
) -> Trained:
    needed = settings.min_train_rows
    return Trained(
        name="zero",
        model=LinearModel(names, np.zeros(len(names)), 0.0),
        metrics=(),
        verdict="undecided",
        reason=f"only {rows} rows have a realised {horizon}-session label, and the first fold "
        f"needs {needed} to train on besides those it tests: zero is served",
        refits=0,
    )
