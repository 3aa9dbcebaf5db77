"""The cells of a text file are the same, whichever of two ways they are read."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from src.core.errors import BadInput
from src.data.sources.files.grids import text as text_grid

CELLS = st.sampled_from(["", "1", "2.5", " ", " 3", "4 ", "\t", "a b", "é", "\xa0", '"5"', '"'])
LINES = st.lists(CELLS, min_size=1, max_size=4).map(",".join)


def body(text, *, quickly):
    grid = text_grid.read_text(f"a,b,c\n{text}".encode())
    is_regular = text_grid._is_regular if quickly else lambda *_: False
    with patch.object(text_grid, "_is_regular", is_regular):
        try:
            return grid.body(1, 3)
        except BadInput as error:
            return str(error)


@given(
    st.lists(st.one_of(LINES, st.just("1,2,3")), max_size=4), st.sampled_from(["", "\n", "\n\n"])
)
def test_a_regular_file_is_read_as_any_other(lines, end):
    text = "\n".join(lines) + end

    quick, whole = (body(text, quickly=quickly) for quickly in (True, False))

    if isinstance(whole, str):
        assert quick == whole
    else:
        assert_frame_equal(quick, whole)


def test_a_file_without_blanks_and_quotes_is_regular():
    for text in ("1,2,3\n4,,6\n", "1,2 2,3", "2026-04-13 09:15:00,5,6\n"):
        content = text.encode()
        read = text_grid._cells(content, ",", 4, quoted=False)
        assert text_grid._is_regular(content, ",", 3, read)
    for text in ("1,2\n", "1,2,3,4\n", "1,2,3\n1,2\n1,2,3,4\n", "1, 2,3\n", "1,2,\n", "1,2,3 "):
        content = text.encode()
        read = text_grid._cells(content, ",", 4, quoted=False)
        assert not text_grid._is_regular(content, ",", 3, read)
