"""Check that the challenger of a trial can forecast there, and is not what it is compared with."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from src.core.errors import ForecastError
from src.core.model_events import BASELINE
from src.core.tickers import quoted
from src.core.trials import Trial, TrialRefused
from src.modeling.points.candidate_names import (
    CANDIDATES,
    OPTIONAL_CANDIDATES,
    STORABLE_CANDIDATES,
)
from src.modeling.points.rank_tilt import RANKED_FROM
from src.registry.formats.models import same_model

if TYPE_CHECKING:
    from src.registry.lifecycle.state import LiveState
    from src.registry.storage.artifact import Artifact
    from src.registry.storage.artifact_store import ArtifactStore

# Training settings that a challenger may be fitted with instead of the installation's.
OVERRIDES = {"refit_every": (1, 2520), "embargo": (0, 252), "min_train_rows": (20, 5040)}
# A set may be named by the beginning of its digest, as `monitoring history` shows it.
_DIGEST = re.compile("[0-9a-f]{8,64}")


def checked_challenger(
    trial: Trial, store: ArtifactStore, live: LiveState, members: Mapping[str, str]
) -> Trial:
    """The trial with the whole digest, where its challenger is a model set.

    Args:
        trial: As it was stated.
        store: Of the model sets.
        live: What is live at the place.
        members: The version of the stored features of each ticker of the pool.

    Raises:
        TrialRefused: It cannot forecast there, or is what it would be compared with.
    """
    complete = _complete(trial, store, live, members)
    _check_settings(complete)
    _check_difference(complete, live)
    return complete


def _complete(
    trial: Trial, store: ArtifactStore, live: LiveState, members: Mapping[str, str]
) -> Trial:
    name = trial.challenger
    if name in STORABLE_CANDIDATES:
        if name in OPTIONAL_CANDIDATES and find_spec("lightgbm") is None:
            raise TrialRefused(
                f"{name} cannot be fitted here, because LightGBM is not installed: `pip install "
                "lightgbm` where the pipeline runs, or give another challenger."
            )
        if name.startswith("rank_") and len(members) < RANKED_FROM:
            raise TrialRefused(
                f"{name} learns ranks among {RANKED_FROM} tickers or more, and the pool "
                f"{trial.pool} has {len(members)}: give another challenger."
            )
        return trial
    if name in (*CANDIDATES, *OPTIONAL_CANDIDATES):
        raise TrialRefused(
            f"{name} cannot be a challenger: no model of it can be stored, so runs that train "
            f"nothing could not forecast with it. {_what_can_be()}"
        )
    if not _DIGEST.fullmatch(name):
        raise TrialRefused(f"There is no candidate {quoted(name)}. {_what_can_be()}")
    artifact = _load_set(trial, store)
    _check_set(trial, artifact, set(members.values()))
    if _is_reference(trial, artifact, store, live):
        _refuse_equal(trial, f"the model set {artifact.digest[:12]}")
    return replace(trial, challenger=artifact.digest)


def _check_set(trial: Trial, artifact: Artifact, features: Collection[str]) -> None:
    name = artifact.digest[:12]
    if artifact.sessions != trial.sessions:
        raise TrialRefused(
            f"The model set {name} forecasts {artifact.sessions} sessions ahead, the "
            f"configuration says {trial.sessions}: give a set of that horizon."
        )
    if artifact.features_version not in features:
        raise TrialRefused(
            f"The model set {name} was trained on features {artifact.features_version}, stored "
            f"are {' and '.join(sorted(features)) or 'none'}: it cannot forecast from these, so "
            "give a newer set or a candidate."
        )


def _is_reference(trial: Trial, artifact: Artifact, store: ArtifactStore, live: LiveState) -> bool:
    """Whether a set forecasts what it would be compared with: also under another digest."""
    reference = BASELINE if trial.reference == "zero" else live.live.served
    if artifact.candidate != reference or reference == BASELINE:
        return artifact.candidate == reference
    try:
        served = store.load(trial.pool, trial.horizon, live.live.digest)
    except ForecastError:
        return False  # what is live is reported where it is served
    return same_model(served.model, artifact.model)


def _what_can_be() -> str:
    *names, last = STORABLE_CANDIDATES
    return f"Give one of {', '.join(names)} or {last}, or the digest of a model set."


def _load_set(trial: Trial, store: ArtifactStore) -> Artifact:
    place, name = (trial.pool, trial.horizon), trial.challenger[:12]
    sets = [found for found in store.stored() if found[1].startswith(trial.challenger)]
    digests = [digest for pair, digest in sets if pair == place]
    if len(digests) > 1:
        raise TrialRefused(f"{len(digests)} model sets begin with {name}: give the whole digest.")
    if not digests:
        elsewhere = f"; there is one of {' '.join(sets[0][0])}" if sets else ""
        raise TrialRefused(
            f"No model set {name} of {trial.pool} {trial.horizon} is stored{elsewhere}: `python -m "
            "mlops.monitoring history` names the sets, of which old ones are removed."
        )
    try:
        return store.load(*place, digests[0])
    except ForecastError as error:
        raise TrialRefused(
            f"The model set {name} cannot be on trial: {str(error)[:1].lower()}{str(error)[1:]}"
        ) from error


def _check_settings(trial: Trial) -> None:
    if trial.settings and trial.is_model_set:
        raise TrialRefused(
            "A model set is fitted already: leave the settings out, or give a candidate's name."
        )
    for name, value in trial.settings.items():
        if name not in OVERRIDES:
            raise TrialRefused(
                f"A challenger has no setting {quoted(name)} of its own: it can have "
                f"{', '.join(OVERRIDES)}."
            )
        low, high = OVERRIDES[name]
        if not low <= value <= high:
            raise TrialRefused(
                f"The setting {name} = {value} is out of range: give a number between {low} and "
                f"{high}."
            )


def _check_difference(trial: Trial, live: LiveState) -> None:
    """Refuse a candidate that is compared with itself."""
    reference = BASELINE if trial.reference == "zero" else live.live.served or BASELINE
    if trial.challenger == reference and (not trial.settings or reference == BASELINE):
        _refuse_equal(trial, trial.challenger)


def _refuse_equal(trial: Trial, challenger: str) -> None:
    what = "no change" if trial.reference == "zero" else "what is live"
    raise TrialRefused(
        f"The challenger, {challenger}, is {what} at {trial.pool} {trial.horizon} already: there "
        "is nothing to compare, so give another challenger."
    )


def as_settings(pairs: Mapping[str, str]) -> dict[str, int]:
    """Settings from the texts of a command line.

    Raises:
        TrialRefused: A value is no whole number.
    """
    for name, text in pairs.items():
        if not text.isdecimal() or len(text) > 9:
            raise TrialRefused(f"The setting {name} = {quoted(text)} is no whole number.")
    return {name: int(text) for name, text in pairs.items()}
