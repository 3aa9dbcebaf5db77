import json
import re

import pytest
from jinja2 import UndefinedError

from src.modeling.report.figure import Figure
from src.stages.html_page import _environment, figure_markup, render, script_json


def drawn(source, **values):
    return _environment("src.stages").from_string(source).render(**values)


TABLE = "{% from 'macros.html' import table %}{{ table(headers, rows, classes) }}"


def test_what_is_given_to_a_template_is_escaped():
    assert drawn("<p>{{ text }}</p>", text="<b>&'\"") == "<p>&lt;b&gt;&amp;&#39;&#34;</p>"


def test_every_cell_of_a_table_is_escaped_and_has_the_class_of_its_column():
    html = drawn(TABLE, headers=["<a>", "n"], rows=[["<i>", "1"]], classes=["", "number"])

    assert "<th>&lt;a&gt;</th>" in html
    assert '<th class="number">n</th>' in html
    assert '<td>&lt;i&gt;</td><td class="number">1</td>' in html


def test_a_table_without_headers_has_no_head():
    html = drawn(TABLE, headers=[], rows=[["a", "b"], ["c", "d"]], classes=[])

    assert "<thead>" not in html
    assert re.findall(r"<td>(\w)</td>", html) == ["a", "b", "c", "d"]


def test_a_value_that_was_not_given_is_an_error():
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        drawn("{{ text }}")


def test_the_base_page_may_fetch_nothing():
    html = render("src.stages", "base.html")

    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)=", html)


def test_no_text_in_json_can_end_its_script():
    value = {"name": "</script><b>", "prices": [1.5, None]}

    text = script_json(value)

    assert text == '{"name":"\\u003c/script>\\u003cb>","prices":[1.5,null]}'
    assert json.loads(text) == value


def test_a_number_that_is_none_is_no_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json([float("nan")])


def test_no_text_of_a_figure_can_end_its_script():
    figure = Figure({"xaxis": {"title": {"standoff": 8}}})
    figure.update_axis("xaxis", "</script><b>")

    markup = figure_markup(figure, "picture-0", with_library=False)

    assert markup.count("</script>") == 1
    assert "\\u003c/script>\\u003cb>" in markup
