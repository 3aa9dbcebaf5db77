import datetime as dt

from src.monitoring.metrics.run_points import run_points

AT = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)


def model(pool="NSE", horizon="short"):
    return {
        "pool": pool,
        "horizon": horizon,
        "metrics": [
            {"name": "zero", "r2": -0.01, "skill_vs_zero": 0.0},
            {"name": "served", "r2": 0.0004, "skill_vs_zero": 0.0012},
        ],
        "coverage": {"levels": {"0.5": 0.5, "0.9": 0.907}},
    }


def results(**changes):
    return {
        "ticker": None,
        "status": "partial",
        "total_duration_seconds": 76.5,
        "tickers": {
            "A": {"status": "success"},
            "B": {"status": "success"},
            "C": {"status": "failed"},
        },
        "pools": {"NSE": {"judged": True}},
        "stages": {
            "data_ingest": {"rows": 100, "duration_seconds": 2.5},
            "training": {"rows": 2, "duration_seconds": 50.0, "models": [model()]},
        },
    } | changes


def values(**changes):
    return {
        (point.name, *sorted(point.tags.values())): point.value
        for point in run_points(results(**changes), 512.0, AT)
    }


def test_a_run_of_many():
    assert values() == {
        ("run_seconds", "many"): 76.5,
        ("run_peak_memory_mib", "many"): 512.0,
        ("run_succeeded", "many"): 0.0,
        ("run_tickers", "many", "success"): 2.0,
        ("run_tickers", "failed", "many"): 1.0,
        ("stage_seconds", "data_ingest", "many"): 2.5,
        ("stage_rows", "data_ingest", "many"): 100.0,
        ("stage_seconds", "many", "training"): 50.0,
        ("stage_rows", "many", "training"): 2.0,
        ("model_r2_score", "NSE", "short"): 0.0004,
        ("model_skill_vs_zero", "NSE", "short"): 0.0012,
        ("model_coverage_90", "NSE", "short"): 0.907,
    }


def test_figures_of_an_earlier_judgement_are_not_recorded_again():
    names = {name for name, *_ in values(pools={"NSE": {"judged": False}})}
    assert not any(name.startswith("model_") for name in names)


def test_a_run_that_failed_at_once_has_its_seconds_and_its_failure():
    found = values(ticker="TCS.NS", status="failed", tickers={}, pools={}, stages={})
    assert found == {
        ("run_seconds", "one"): 76.5,
        ("run_peak_memory_mib", "one"): 512.0,
        ("run_succeeded", "one"): 0.0,
    }


def test_what_could_not_be_measured_is_left_out():
    bare = model() | {"metrics": [], "coverage": {"levels": {}}}
    stages = {"training": {"rows": 2, "duration_seconds": 1.0, "models": [bare]}}
    assert not any(name.startswith("model_") for name, *_ in values(stages=stages))
