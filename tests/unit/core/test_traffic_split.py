import itertools

import numpy as np
import pytest
from scipy import stats

from src.core.traffic_split import TrafficSplit, assign, check_share
from src.core.trials import TrialRefused

TRIAL = "5" * 64
CLIENTS = [f"id:user-{number}".encode() for number in range(10_000)]


def split(share, **changes):
    fields = {
        "trial": TRIAL,
        "pool": "NSE",
        "horizon": "short",
        "challenger": "ridge",
        "tickers": frozenset(),
    }
    return TrafficSplit(**fields | changes, share=share)


def included(share, trial=TRIAL):
    return {client for client in CLIENTS if split(share).includes(assign(trial, client))}


def test_a_client_s_number_is_what_sha256sum_says():
    # printf '%s\nid:shop-17' 555…5 | sha256sum | cut -c1-13
    assignment = assign(TRIAL, b"id:shop-17")

    assert assignment.client[:13] == "1c4894cc708a3"
    assert assignment.number == 0x1C4894CC708A3 / 2**52


def test_numbers_are_spread_evenly_and_below_one():
    numbers = [assign(TRIAL, client).number for client in CLIENTS]

    assert min(numbers) >= 0
    assert max(numbers) < 1
    assert stats.kstest(numbers, "uniform").pvalue > 0.001


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9])
def test_the_share_of_ten_thousand_clients_is_right_within_chance(share):
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], len(CLIENTS), share)

    assert low <= len(included(share)) <= high


def test_nobody_is_in_a_split_of_none_and_everybody_in_one_of_all():
    assert included(0.0) == set()
    assert included(1.0) == set(CLIENTS)


def test_no_client_leaves_when_the_share_grows():
    groups = [included(share) for share in np.linspace(0, 1, 21)]

    assert all(before <= after for before, after in itertools.pairwise(groups))


def test_the_groups_of_two_trials_are_independent():
    both = included(0.5) & included(0.5, trial="6" * 64)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], len(CLIENTS), 0.25)

    assert low <= len(both) <= high


def test_a_split_covers_the_tickers_of_its_trial():
    assert split(0.1).covers("TCS.NS")
    assert split(0.1, tickers=frozenset({"TCS.NS"})).covers("TCS.NS")
    assert not split(0.1, tickers=frozenset({"INFY.NS"})).covers("TCS.NS")


@pytest.mark.parametrize("share", [-0.1, 1.01, 10, float("nan"), float("inf")])
def test_what_is_no_share_is_refused_with_its_value(share):
    with pytest.raises(TrialRefused, match=rf"The share {share:g} is out of range: give"):
        check_share(share)


@pytest.mark.parametrize("share", [0, 0.0, 0.1, 1])
def test_shares_from_none_to_all_are_taken(share):
    check_share(share)
