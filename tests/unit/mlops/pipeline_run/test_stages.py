"""The pipeline as data: what each stage reads has been written before, and once."""

import pytest

from mlops.pipeline_run.stages import STAGES
from src.core.tables import (
    ACTION_HISTORY,
    CLEAN_SERIES,
    CORPORATE_ACTIONS,
    INSTRUMENT_STATES,
    INSTRUMENTS,
    QUARANTINE,
)

# Facts that come with the schema or from a person, and not from a stage.
SUPPLIED = {INSTRUMENTS.name, INSTRUMENT_STATES.name, CORPORATE_ACTIONS.name}
each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


def names(tables):
    return {table.name for table in tables}


def test_the_stages_have_the_names_and_the_order_of_the_guide():
    assert [stage.name for stage in STAGES] == [
        *("data_ingest", "data_cleaning", "feature_engineering", "validation", "training"),
    ]


def test_each_stage_reads_only_what_an_earlier_one_wrote():
    written = set(SUPPLIED)
    for stage in STAGES:
        # A stage may compare what it makes with what it wrote before.
        assert names(stage.reads) <= written | names(stage.writes), stage.name
        written |= names(stage.writes)


def test_no_table_has_two_writers_but_those_that_share_facts():
    written = [table.name for stage in STAGES for table in stage.writes]
    twice = {name for name in written if written.count(name) > 1}

    # Ingest writes what sources state, cleaning what the prices show; and where ingest changes
    # history, it takes out what cleaning has noted to continue the series.
    shared = {QUARANTINE.name, CORPORATE_ACTIONS.name, ACTION_HISTORY.name, CLEAN_SERIES.name}
    assert twice <= shared


def test_everything_that_is_derived_is_used_by_a_later_stage_or_is_an_end():
    read = set().union(*(names(stage.reads) for stage in STAGES))
    written = set().union(*(names(stage.writes) for stage in STAGES))

    assert written - read == {
        "price_revisions",  # the record of what changed
        "bundle_files",  # by which files are recognised that are given again
        "raw_hourly_prices_clean",  # shown, never trained on
        "feature_sets",  # names what a row of features_daily holds
    }


@each_stage
def test_a_stage_says_in_one_sentence_what_it_does(stage):
    assert stage.summary[0].isupper()
    assert stage.summary.endswith(".")
    assert "\n" not in stage.summary
    assert callable(stage.run)


def test_checks_and_training_write_no_table_of_another_stage():
    assert [stage.name for stage in STAGES if not stage.writes] == ["validation", "training"]
