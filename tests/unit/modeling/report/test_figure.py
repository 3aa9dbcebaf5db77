import json

import numpy as np
import plotly.graph_objects as go
import pytest

from src.modeling.report.figure import Figure, plain


def test_plotly_knows_every_name_of_a_figure_with_a_line_and_a_band():
    figure = Figure({"xaxis": {"title": {"standoff": 8}}, "yaxis": {"title": {}}})
    figure.add("scatter", x=[1, 2], y=plain(np.array([1.0, np.nan])), mode="lines")
    figure.add_line(x=1, color="#111", width=2)
    figure.add_line(y=0, color="#222", dash="dot")
    figure.add_band(0.5, 1.5, fillcolor="#333", opacity=0.5)
    figure.update_axis("yaxis", "a", range=[None, 2])

    checked = go.Figure(json.loads(figure.to_json()))

    plotly = go.Figure(layout={"xaxis": {"title": {"standoff": 8}}})
    plotly.add_scatter(x=[1, 2], y=[1.0, None], mode="lines")
    plotly.add_vline(x=1, line={"color": "#111", "width": 2})
    plotly.add_hline(y=0, line={"color": "#222", "dash": "dot"})
    plotly.add_hrect(y0=0.5, y1=1.5, fillcolor="#333", opacity=0.5, line_width=0)
    plotly.update_yaxes(title_text="a", range=[None, 2])
    assert checked.data == plotly.data
    assert checked.layout.shapes == plotly.layout.shapes
    assert checked.layout.xaxis == plotly.layout.xaxis
    assert checked.layout.yaxis == plotly.layout.yaxis


def test_axes_that_begin_alike_change_apart():
    axis = {"title": {"standoff": 8}}
    figure = Figure({"xaxis": axis, "yaxis": axis})

    figure.update_axis("yaxis", "a", showgrid=False)

    assert figure.layout["xaxis"] == {"title": {"standoff": 8}}


def test_a_number_that_is_none_is_no_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        Figure({}, [{"y": [float("nan")]}]).to_json()
