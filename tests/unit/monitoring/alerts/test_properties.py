"""What must hold for every history of faults, gaps, silences and acknowledgements."""

from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.alerts import Acknowledgement, Silence
from src.core.calendars.nse import nse
from tests.support.alerts import DAY, HOUR, MONDAY, Looks, rule, seen

RULES = {
    "stale": rule(
        pending_for=2 * HOUR,
        keep_firing_for=HOUR,
        inhibited_by=("down",),
        escalate_after_sessions=2,
        needs_session=True,
    ),
    "down": rule("down", "CRITICAL", repeat_after=5 * HOUR),
    "rare": rule("rare", "INFO", repeat_after=None),
}
SUBJECTS = {"stale": ("A.NS", "B.NS", "C.NS"), "down": ("",), "rare": ("A.NS",)}
KEYS = [(name, subject) for name, subjects in SUBJECTS.items() for subject in subjects]
CAUSES = {"A.NS": "yahoo", "B.NS": "yahoo", "C.NS": "", "": ""}

# One look: how far after the one before, and of each rule and subject whether it is bad, good,
# could not be measured (None), or has no row ("none").
looks_at = st.tuples(
    st.sampled_from([HOUR / 2, HOUR, 6 * HOUR, DAY]),
    st.fixed_dictionaries(
        {key: st.sampled_from([True, True, False, None, "none"]) for key in KEYS}
    ),
)
histories = st.lists(looks_at, min_size=1, max_size=25)
silences = st.lists(
    st.builds(
        lambda start, hours, name, subject: Silence(
            name, subject, "work", "asha", MONDAY + start * HOUR, MONDAY + (start + hours) * HOUR
        ),
        st.integers(0, 100),
        st.integers(1, 60),
        st.sampled_from(["*", "stale", "down"]),
        st.sampled_from(["*", "A.NS", "yahoo"]),
    ),
    max_size=2,
)


def observed(look):
    return [
        seen(bad, subject, name, CAUSES[subject])
        for (name, subject), bad in look.items()
        if bad != "none"
    ]


def replay(history, silences=()):
    """The looks after the whole history, and (time, what was observed, messages) of each."""
    looks, now, log = Looks(*RULES.values(), silences=silences), MONDAY, []
    for after, look in history:
        now += after
        log.append((now, look, looks.at(now, *observed(look))))
    return looks, log


@given(histories, silences)
def test_trouble_and_recovery_of_a_group_alternate(history, silences):
    looks, _ = replay(history, silences)
    told = set()
    for message in looks.messages:
        if message.kind == "resolved":
            assert message.fingerprint in told
            told.discard(message.fingerprint)
        else:
            assert (message.kind == "firing") == (message.fingerprint not in told)
            told.add(message.fingerprint)


@given(histories, silences)
def test_nothing_is_over_without_a_measured_good_value(history, silences):
    looks, now = Looks(*RULES.values(), silences=silences), MONDAY
    for after, look in history:
        now += after
        before = looks.states.alerts
        messages = looks.at(now, *observed(look))
        for key, alert in before.items():
            after_look = looks.states.alerts.get(key)
            if alert.is_live and look[key] is not False:
                assert after_look.is_live
        for message in messages:
            if message.kind == "resolved":
                assert any(look[key] is False for key in KEYS if key[0] == message.rule)


@given(histories)
def test_whoever_looks_twice_at_the_same_is_told_once(history):
    looks, log = replay(history)
    now, look, _ = log[-1]
    states = looks.states

    assert looks.at(now, *observed(look)) == []
    assert looks.states == states


@given(histories, silences, st.randoms(use_true_random=False))
def test_the_order_of_observations_does_not_matter(history, silences, generator):
    in_order, _ = replay(history, silences)
    shuffled, now = Looks(*RULES.values(), silences=silences), MONDAY
    for after, look in history:
        now += after
        mixed = observed(look)
        generator.shuffle(mixed)
        shuffled.at(now, *mixed)

    assert shuffled.messages == in_order.messages
    assert shuffled.states.alerts == in_order.states.alerts


@given(histories, silences)
def test_no_group_that_may_be_told_stays_untold(history, silences):
    looks, now = Looks(*RULES.values(), silences=silences), MONDAY
    for after, look in history:
        now += after
        looks.at(now, *observed(look))
        session = nse().is_session(now.astimezone(nse().zone).date())
        quiet = {"stale"} if _explains(looks) or not session else set()
        for alert in looks.states.alerts.values():
            hidden = any(silence.hides(alert, now) for silence in silences)
            if alert.state == "firing" and not hidden and alert.rule not in quiet:
                assert looks.states.groups[alert.rule, alert.group].told_at is not None


def _explains(looks):
    """Whether the database is away, or was told to be and could not be looked at since."""
    if looks.state("", "down") == "unknown":
        return looks.states.groups["down", ""].told_at is not None
    return looks.state("", "down") == "firing"


@given(histories, silences)
def test_nothing_is_told_first_of_what_cannot_be_measured(history, silences):
    looks, now = Looks(*RULES.values(), silences=silences), MONDAY
    for after, look in history:
        now += after
        before = {key: alert.told_at for key, alert in looks.states.alerts.items()}
        looks.at(now, *observed(look))
        for key, alert in looks.states.alerts.items():
            if alert.state == "unknown":
                assert alert.told_at == before[key]


@given(histories)
@settings(max_examples=50)
def test_nothing_is_told_while_everything_is_silenced(history):
    everything = [Silence("*", "*", "work", "asha", MONDAY, MONDAY + 1000 * DAY)]

    looks, _ = replay(history, everything)

    assert looks.messages == []


@given(st.integers(1, 200), st.sampled_from([HOUR / 2, HOUR, 3 * HOUR]))
def test_a_fault_that_lasts_is_told_once_an_interval_at_most(count, pause):
    looks = Looks(RULES["down"])
    for number in range(count):
        looks.at(MONDAY + number * pause, seen(True, "", "down"))

    lasted = (count - 1) * pause
    assert 1 <= len(looks.messages) <= 1 + lasted // (5 * HOUR)


@given(histories, st.integers(0, 24))
def test_after_an_acknowledgement_the_end_and_what_fired_later_are_told(history, taken_at):
    looks, now, taken, taken_when = Looks(*RULES.values()), MONDAY, {}, MONDAY
    for number, (after, look) in enumerate(history):
        now += after
        before = {group.fingerprint: group for group in looks.states.groups.values()}
        for message in looks.at(now, *observed(look)):
            group = taken.get(message.fingerprint)
            if group is not None and _same(before.get(message.fingerprint), group):
                live = [a for a in looks.states.alerts.values() if a.is_live]
                later = {(a.rule, a.group) for a in live if a.fired_at > taken_when}
                assert message.kind == "resolved" or group.key in later
        if number == taken_at:
            taken_when = now
            taken = {group.fingerprint: group for group in looks.states.groups.values()}
            looks.acknowledgements = {
                fingerprint: Acknowledgement(fingerprint, "asha", now) for fingerprint in taken
            }


def _same(before, group):
    """Whether a group is still that of an earlier look; None was none."""
    return before is not None and before.since == group.since
