"""Cached fits: made once, made anew when anything differs, never in the way."""

import importlib
import multiprocessing
import os
import pickle
import sys
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pytest

from src.modeling.points import fit_cache, session_ranks
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.fit_cache import MOST_FILES, DiskFitCache
from src.modeling.points.folds import Fitting, FoldRows, fit_and_forecast
from src.registry.formats import tensors
from src.registry.formats.models import LinearModel, pack
from tests.support.trees import small

X = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32).astype(np.float64)
Y = np.random.default_rng(2).normal(size=30)


class Counting:
    """A fit that counts how often it was made; each rests on its rows."""

    def __init__(self):
        self.made = 0

    def __call__(self, X, y, horizon):
        self.made += 1
        return small(base=float(y.sum()) + horizon)


NO_ROWS = np.arange(0)


def fold(X, y, horizon=1, *, test=NO_ROWS, per_session=1):
    """A fold that trains on all rows of X with a label, by session."""
    X = np.asarray(X, dtype=np.float32)
    places, names = np.arange(len(X)), tuple(str(number) for number in range(X.shape[1]))
    features = FeatureRows(
        places // per_session,
        places % per_session,
        names=names,
        complete=np.ones(len(X), dtype=bool),
        stored_names=names,
        stored=X,
        bars=places,
        pooled_names=(),
        pooled=np.empty((0, len(X)), dtype=np.float32),
        ranks=None,
    )
    return FoldRows(features, y, horizon, len(y), test)


def forecast_of(cache, name, fit, rows):
    """The model and the forecasts of a fold, looked up or made and kept."""
    fitting = Fitting(fit, name)
    found = cache.find(fitting, rows)
    if found is None:
        found = fit_and_forecast(
            fitting, rows.features, rows.targets, rows.horizon, rows.end, rows.test, False
        )
        cache.keep(fitting, rows, found)
    return found


def fitted(cache, name, fit):
    """A fit of a fold without rows to forecast."""
    return lambda X, y, horizon: forecast_of(cache, name, fit, fold(X, y, horizon)).model


def remembered(folder, more_files=0):
    counter = Counting()
    return counter, fitted(DiskFitCache(folder, more_files=more_files), "a", counter)


def files(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def test_a_second_call_is_not_fitted(tmp_path):
    counter, kept = remembered(tmp_path / "fits")

    first, second = kept(X, Y, 1), kept(X, Y, 1)

    assert counter.made == 1
    assert pack(second) == pack(first)
    assert second.predict(np.zeros((1, 3)))[0] == first.predict(np.zeros((1, 3)))[0]


def test_what_another_run_fitted_is_not_fitted_again(tmp_path):
    _, kept = remembered(tmp_path)
    first = kept(X, Y, 1)
    counter, again = remembered(tmp_path)

    assert pack(again(X.copy(), Y.copy(), 1)) == pack(first)
    assert counter.made == 0


def bent(values, at):
    changed = values.copy()
    changed[at] = np.nextafter(np.float32(values[at]), np.float32(9))
    return changed


@pytest.mark.parametrize(
    ("rows", "labels", "horizon"),
    [
        (X[:-1], Y[:-1], 1),
        (bent(X, (29, 3)), Y, 1),
        (X[:, ::-1], Y, 1),
        (X[::-1], Y, 1),
        (X.reshape(40, 3), np.concatenate([Y, Y[:10]]), 1),
        (X, np.append(Y[:-1], np.nextafter(Y[-1], 9)), 1),
        (X, Y[::-1], 1),
        (X, Y, 5),
    ],
)
def test_other_rows_labels_or_another_horizon_are_fitted_anew(tmp_path, rows, labels, horizon):
    counter, kept = remembered(tmp_path)
    kept(X, Y, 1)

    found = kept(rows, labels, horizon)

    assert counter.made == 2
    assert found.base == labels.sum() + horizon


def test_the_same_rows_laid_out_otherwise_are_not_fitted_again(tmp_path):
    counter, kept = remembered(tmp_path)

    kept(X, Y, 1)
    kept(np.asfortranarray(X), np.repeat(Y, 2)[::2], 1)

    assert counter.made == 1


def test_another_name_is_fitted_anew(tmp_path):
    counter, cache = Counting(), DiskFitCache(tmp_path)

    fitted(cache, "a", counter)(X, Y, 1)
    fitted(cache, "b", counter)(X, Y, 1)

    assert counter.made == 2


def module(folder, number, source, monkeypatch):
    """A module of that source, as the ``number``-th version of it, imported."""
    path = folder / str(number)
    path.mkdir()
    (path / "fits_of_a_test.py").write_text(source)
    monkeypatch.syspath_prepend(path)
    monkeypatch.delitem(sys.modules, "fits_of_a_test", raising=False)
    return importlib.import_module("fits_of_a_test")


def test_other_code_is_fitted_anew(tmp_path, monkeypatch):
    source = (
        "from tests.support.trees import small\n"
        "def fit(X, y, horizon):\n    return small(base={})\n"
    )
    cache = DiskFitCache(tmp_path / "fits")
    fitted(cache, "a", module(tmp_path, 1, source.format(1.0), monkeypatch).fit)(X, Y, 1)

    other = module(tmp_path, 2, source.format(2.0), monkeypatch)

    assert fitted(cache, "a", other.fit)(X, Y, 1).base == 2.0


def test_other_formulas_of_inputs_or_ranks_are_fitted_anew(tmp_path, monkeypatch):
    counter, kept = remembered(tmp_path / "fits")
    kept(X, Y, 1)
    monkeypatch.setattr(fit_cache.catalogue, "version", lambda: "another")
    kept(X, Y, 1)
    assert counter.made == 2
    source = fit_cache.inspect.getsource
    monkeypatch.setattr(
        fit_cache.inspect, "getsource", lambda of: source(of) + "# " * (of is session_ranks)
    )
    kept(X, Y, 1)
    assert counter.made == 3


@pytest.mark.parametrize("library", ["numpy", "scikit-learn", "lightgbm"])
def test_another_version_of_a_library_is_fitted_anew(tmp_path, monkeypatch, library):
    counter, kept = remembered(tmp_path)
    kept(X, Y, 1)
    installed = fit_cache.installed_version

    monkeypatch.setattr(
        fit_cache, "installed_version", lambda name: "0.0" if name == library else installed(name)
    )
    kept(X, Y, 1)

    assert counter.made == 2


def test_a_library_that_is_not_installed_is_no_obstacle(tmp_path, monkeypatch):
    counter, kept = remembered(tmp_path)
    monkeypatch.setattr(fit_cache, "LIBRARIES", ("numpy", "no-such-library"))
    kept(X, Y, 1)
    kept(X, Y, 1)

    assert counter.made == 1


@dataclass
class Other:
    """A fitted model that is no trees."""

    rows: int

    def predict(self, X):
        return np.zeros(len(X))


def test_a_fit_that_is_no_trees_is_made_each_time_and_not_stored(tmp_path):
    found = [
        fitted(DiskFitCache(tmp_path), "a", lambda X, y, _: Other(len(y)))(X, Y, 1)
        for _ in range(2)
    ]

    assert found == [Other(30)] * 2
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_a_fit_is_its_own_and_stores_nothing(tmp_path):
    def failing(X, y, horizon):
        raise ValueError("no rows to learn from")

    with pytest.raises(ValueError, match="no rows to learn from"):
        fitted(DiskFitCache(tmp_path), "a", failing)(X, Y, 1)
    assert list(tmp_path.iterdir()) == []


# --- files that are not what was stored


def signed(data):
    return sha256(data).digest() + data


def flipped(stored, at):
    changed = bytearray(stored)
    changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: b"",
        lambda stored: stored[:1],
        lambda stored: stored[:31],
        lambda stored: stored[:32],
        lambda stored: stored[:-1],
        lambda stored: stored + b"x",
        lambda stored: flipped(stored, 0),
        lambda stored: flipped(stored, 40),
        lambda stored: flipped(stored, len(stored) - 1),
        lambda stored: pickle.dumps(small),
        lambda stored: signed(pickle.dumps({"kind": "trees"})),
        lambda stored: signed(b""),
        lambda stored: signed(stored[32:-1]),
        lambda stored: signed(tensors.write({})),
        lambda stored: signed(tensors.write({"an older one": np.zeros(1)})),
        lambda stored: signed(tensors.write({**tensors.read(stored[32:]), "older": Y})),
        lambda stored: signed(pack(LinearModel(("a",), np.ones(1), 0.0))),
    ],
)
def test_a_file_that_holds_no_trees_of_ours_is_fitted_again_and_replaced(tmp_path, damage):
    counter, kept = remembered(tmp_path)
    first = kept(X, Y, 1)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))

    again = kept(X, Y, 1)

    assert counter.made == 2
    assert pack(again) == pack(first)
    assert path.read_bytes() == whole
    kept(X, Y, 1)
    assert counter.made == 2


def test_a_pickle_in_the_place_of_a_fit_is_not_run(tmp_path):
    witness = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return (os.mkdir, (str(witness),))

    _, kept = remembered(tmp_path / "fits")
    kept(X, Y, 1)
    (path,) = files(tmp_path / "fits")
    path.write_bytes(signed(pickle.dumps(Payload())))

    kept(X, Y, 1)

    assert not witness.exists()


def test_a_folder_in_the_place_of_a_fit_costs_only_the_fit(tmp_path):
    counter, kept = remembered(tmp_path)
    first = kept(X, Y, 1)
    (path,) = files(tmp_path)
    path.unlink()
    path.mkdir()

    assert pack(kept(X, Y, 1)) == pack(first)
    assert counter.made == 2


# --- a folder that cannot be written


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_in_the_place_of_the_folder_costs_only_the_fit(tmp_path, inside):
    (tmp_path / "fits").write_text("not a folder")
    counter, kept = remembered(tmp_path / "fits" / inside)

    found = [kept(X, Y, 1).base for _ in range(2)]

    assert found == [Y.sum() + 1] * 2
    assert counter.made == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o555])
def test_a_folder_without_leave_to_write_costs_only_the_fit(tmp_path, mode):
    counter, kept = remembered(tmp_path / "fits")
    (tmp_path / "fits").mkdir()
    (tmp_path / "fits").chmod(mode)

    try:
        found = [kept(X, Y, 1).base for _ in range(2)]
    finally:
        (tmp_path / "fits").chmod(0o755)

    assert found == [Y.sum() + 1] * 2
    assert counter.made == 2


def test_fits_in_a_folder_that_may_only_be_read_are_used(tmp_path, monkeypatch):
    counter, kept = remembered(tmp_path)
    first = kept(X, Y, 1)

    def refused(path):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(fit_cache.os, "utime", refused)

    assert pack(kept(X, Y, 1)) == pack(first)
    assert counter.made == 1


def test_a_device_without_room_costs_only_the_fit_and_leaves_nothing(tmp_path, monkeypatch):
    counter, kept = remembered(tmp_path)

    def full(path, data):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fit_cache.Path, "write_bytes", full)

    assert [kept(X, Y, 1).base for _ in range(2)] == [Y.sum() + 1] * 2
    assert counter.made == 2
    assert list(tmp_path.iterdir()) == []


# --- how many stay


def fitted_before(folder, count, **kept_files):
    """``count`` fits with labels of their own, each a second newer than the one before it."""
    counter, kept = remembered(folder, **kept_files)
    seen = set()
    for number in range(count):
        kept(X, Y + number, 1)
        (new,) = {path for path in files(folder) if path not in seen}
        seen.add(new)
        os.utime(new, (number, number))
    return counter, kept


def test_at_most_so_many_fits_stay_and_the_newest_among_them(tmp_path):
    counter, kept = fitted_before(tmp_path, MOST_FILES + 2)

    assert len(files(tmp_path)) == MOST_FILES
    kept(X, Y + 2, 1)
    assert counter.made == MOST_FILES + 2
    kept(X, Y, 1)
    assert counter.made == MOST_FILES + 3


def test_the_fits_of_trials_stay_beside_them(tmp_path):
    counter, kept = fitted_before(tmp_path, MOST_FILES + 2, more_files=2)

    assert len(files(tmp_path)) == MOST_FILES + 2
    kept(X, Y, 1)
    assert counter.made == MOST_FILES + 2


def test_a_fit_that_is_still_asked_for_stays(tmp_path):
    counter, kept = fitted_before(tmp_path, MOST_FILES)

    kept(X, Y, 1)
    kept(X, Y - 1, 1)
    kept(X, Y, 1)

    assert counter.made == MOST_FILES + 1
    assert len(files(tmp_path)) == MOST_FILES


def test_what_killed_writers_left_aside_does_not_pile_up(tmp_path):
    counter, kept = remembered(tmp_path)
    for number in range(MOST_FILES + 5):
        aside = tmp_path / f".{number:032x}"
        aside.write_bytes(b"half")
        os.utime(aside, (1, 1))

    kept(X, Y, 1)
    kept(X, Y, 1)

    assert len(list(tmp_path.iterdir())) == MOST_FILES
    assert counter.made == 1


# --- two at once


def fit_of_a_process(X, y, horizon):
    return small(base=float(y.sum()))


def work(folder, start):
    kept = fitted(DiskFitCache(folder), "a", fit_of_a_process)
    start.wait()
    for number in range(25):
        assert kept(X, Y + number % 5, 1).base == (Y + number % 5).sum()
        for path in files(folder)[: number % 2]:
            path.unlink(missing_ok=True)


def test_two_processes_at_once_leave_whole_files(tmp_path):
    context = multiprocessing.get_context("fork")
    start = context.Barrier(2)
    both = [context.Process(target=work, args=(tmp_path, start)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)

    assert [one.exitcode for one in both] == [0, 0]
    assert len(list(tmp_path.iterdir())) == len(files(tmp_path)) > 0
    counter, kept = remembered(tmp_path)
    whole = len(files(tmp_path))
    for number in range(5):
        kept(X, Y + number, 1)
    assert counter.made == 5 - whole


# --- what a model forecast


ROWS = np.arange(len(X))


def forecast(folder, rows=X, labels=Y[:20], test=ROWS[20:], key=None, **fold_arguments):
    """What the model of the first rows forecasts of others."""
    counter = Counting()
    fold_rows = fold(rows, labels, test=test, **fold_arguments)
    return forecast_of(DiskFitCache(folder, key), "a", counter, fold_rows).points


def of_forecasts(folder):
    """The files that are no trees: eight bytes a row behind the seal."""
    return [path for path in files(folder) if path.stat().st_size == 32 + 8 * 10]


def test_what_trees_forecast_is_read_and_not_worked_out_again(tmp_path):
    first = forecast(tmp_path)
    (path,) = of_forecasts(tmp_path)
    stored = np.arange(10.0).tobytes()
    path.write_bytes(sha256(stored).digest() + stored)

    assert np.array_equal(first, small(base=Y[:20].sum() + 1).predict(X[20:]))
    assert forecast(tmp_path, X.copy()).tolist() == list(range(10))


@pytest.mark.parametrize(
    "other",
    [
        {"labels": Y[1:21]},
        {"labels": Y[:19]},
        {"test": ROWS[19:29]},
        {"rows": bent(X, (29, 0))},
        {"rows": bent(X, (5, 3))},
        {"per_session": 2},
    ],
)
def test_other_trees_and_other_rows_are_forecast_anew(tmp_path, other):
    forecast(tmp_path)

    fresh = forecast(tmp_path / "elsewhere", **other)

    assert np.array_equal(forecast(tmp_path, **other), fresh)
    assert len(of_forecasts(tmp_path)) == 2


def forecast_shorter(folder):
    """Store numbers that no model makes as the forecasts of all but the last session."""
    forecast(folder, test=ROWS[20:25], per_session=5)
    (path,) = (each for each in files(folder) if each.stat().st_size == 32 + 8 * 5)
    stored = np.arange(5.0).tobytes()
    path.write_bytes(sha256(stored).digest() + stored)


def test_of_a_fold_that_has_grown_by_a_session_only_that_is_forecast(tmp_path):
    whole = forecast(tmp_path / "elsewhere", per_session=5)
    forecast_shorter(tmp_path)

    for _ in range(2):
        assert forecast(tmp_path, per_session=5).tolist() == [*range(5), *whole[5:]]


def test_a_fold_that_has_grown_is_forecast_anew_where_an_earlier_input_is_another(tmp_path):
    changed = bent(X, (22, 1))
    whole = forecast(tmp_path / "elsewhere", changed, per_session=5)
    forecast_shorter(tmp_path)

    assert forecast(tmp_path, changed, per_session=5).tolist() == whole.tolist()


def test_rows_that_come_later_change_no_fold_before_them(tmp_path):
    before = forecast(tmp_path, X[:25], test=ROWS[15:25])
    (path,) = of_forecasts(tmp_path)
    stored = np.arange(10.0).tobytes()
    path.write_bytes(sha256(stored).digest() + stored)

    again = forecast(tmp_path, bent(X, (25, 1)), test=ROWS[15:25])

    assert (before.size, again.tolist()) == (10, list(range(10)))
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("damage", [lambda d: d[:-8], lambda d: b"", lambda d: d[:-1] + b"?"])
def test_damaged_forecasts_are_made_again_and_replaced(tmp_path, damage):
    first = forecast(tmp_path)
    (path,) = of_forecasts(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))

    assert np.array_equal(forecast(tmp_path), first)
    assert path.read_bytes() == whole


def test_forecasts_of_another_number_of_rows_are_not_believed(tmp_path):
    first = forecast(tmp_path)
    (path,) = of_forecasts(tmp_path)
    short = np.arange(3.0).tobytes()
    path.write_bytes(sha256(short).digest() + short)

    assert np.array_equal(forecast(tmp_path), first)


def test_what_any_other_model_forecasts_is_asked_and_not_stored(tmp_path):
    class Other:
        def predict(self, rows):
            return rows[:, 0] * 2

    found = forecast_of(DiskFitCache(tmp_path), "a", lambda *_: Other(), fold(X, Y, test=ROWS))

    assert np.array_equal(found.points, X[:, 0] * 2)
    assert files(tmp_path) == []


KEY, OTHER_KEY = b"sixteen letters!", b"another sixteen!"


def sealed(folder, key):
    counter = Counting()
    return counter, fitted(DiskFitCache(folder, key), "a", counter)


def test_with_a_key_only_what_that_key_sealed_is_read(tmp_path):
    _, first = sealed(tmp_path, KEY)
    first(X, Y, 1)

    made = []
    for key in (KEY, OTHER_KEY, KEY):
        counter, again = sealed(tmp_path, key)
        again(X, Y, 1)
        made.append(counter.made)

    # The other key makes it anew, and so does the first one after that.
    assert made == [0, 1, 1]


def test_a_fit_that_somebody_without_the_key_put_there_is_made_again(tmp_path):
    _, unkeyed = remembered(tmp_path)
    unkeyed(X, Y, 1)
    (path,) = files(tmp_path)
    forged = pack(small(base=1e6))
    path.write_bytes(sha256(forged).digest() + forged)

    counter, kept = sealed(tmp_path, KEY)

    assert kept(X, Y, 1).base == Y.sum() + 1
    assert counter.made == 1


def test_a_sealed_file_does_not_stand_for_another(tmp_path):
    _, kept = sealed(tmp_path, KEY)
    kept(X, Y, 1)
    (of_one,) = files(tmp_path)
    kept(X, Y, 5)
    (of_five,) = set(files(tmp_path)) - {of_one}
    of_one.write_bytes(of_five.read_bytes())

    counter, again = sealed(tmp_path, KEY)

    assert again(X, Y, 1).base == Y.sum() + 1
    assert counter.made == 1


def test_forecasts_are_sealed_as_well(tmp_path):
    first = forecast(tmp_path, key=KEY)
    (path,) = of_forecasts(tmp_path)
    forged = np.full(10, 7.0).tobytes()
    path.write_bytes(sha256(forged).digest() + forged)

    assert forecast(tmp_path, key=KEY).tolist() == first.tolist()
