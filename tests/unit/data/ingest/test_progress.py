"""What an ingest run tells of its tickers."""

from src.data.ingest.progress import Progress


def test_a_note_on_many_tickers_is_told_once():
    progress = Progress({})
    for number in range(11):
        progress.note(f"T{number}.NS", ["of all", "of all"])
    progress.note("A.NS", ["of two"])
    progress.note("B.NS", ["of two"])

    assert progress.sentences() == {
        "T0.NS and 10 more: of all",
        "A.NS: of two",
        "B.NS: of two",
    }
