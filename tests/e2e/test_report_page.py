"""The reports of runs in a real browser, on a screen as narrow as a phone's."""

import functools
import http.server
import json
import re
import threading

import pytest

from src.modeling.report.pool_page import render_pool_page
from tests.support.browser import dump_dom
from tests.support.report_data import report_data

NOW = "2026-11-23T18:00+05:30"
WIDTH = 420
# A frame has the width that it is given, whatever the least width of a window is. Boxes that
# scroll by themselves may hold what is wider.
FRAME = """<!doctype html>
<iframe src="%s" width="%d" height="900" style="border:0"></iframe>
<script>
onload = () => setTimeout(() => {
  const page = document.querySelector("iframe").contentDocument;
  page.querySelectorAll("details").forEach(part => part.open = true);
  const wide = [...page.body.querySelectorAll("*")].filter(element =>
    !element.closest(".wide table") && element.getBoundingClientRect().right > %d + 0.5);
  const found = {
    width: page.documentElement.scrollWidth,
    pictures: page.querySelectorAll(".main-svg").length,
    cards: [...page.querySelectorAll(".card .wide")].map(box => box.scrollWidth - box.clientWidth),
    titles: [...page.querySelectorAll(".card h2")].map(title => title.textContent),
    drawn: [...page.querySelectorAll("[data-picture] .main-svg")].length,
    wide: wide.map(element => element.tagName + "." + element.getAttribute("class")).slice(0, 9),
  };
  document.body.append("found" + JSON.stringify(found) + "end");
}, 3000);
</script>"""


@pytest.fixture
def look_at(tmp_path):
    """Shows a page that lies in the folder to a browser; returns what it found there."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def look(address):
            (tmp_path / "frame.html").write_text(FRAME % (address, WIDTH, WIDTH))
            url = f"http://127.0.0.1:{server.server_port}/frame.html"
            page = dump_dom(url, tmp_path / "browser")
            return json.loads(re.search(r"found(\{[^<>]*\})end", page)[1])

        yield look
        server.shutdown()
        thread.join()


def test_the_report_of_a_ticker_fits_a_narrow_screen(command, home, tmp_path, look_at):
    ran = command("mlops.pipeline", "--ticker", "DEMO.NS", FORECAST_NOW=NOW)
    assert ran.returncode == 0, ran.stderr
    (report,) = (home / "mlops/runs").glob("*/report.html")
    path = tmp_path / "report.html"
    drawn = command(
        *("mlops.pipeline", "report", "--ticker", "DEMO.NS", "--out", path), FORECAST_NOW=NOW
    )
    named = command("mlops.pipeline", "report", "--ticker", "DEMO.NS", FORECAST_NOW=NOW)
    assert named.stdout == f"The page is {home / 'report_DEMO.NS.html'}\n"
    assert (home / "report_DEMO.NS.html").read_bytes() == path.read_bytes()
    assert drawn.stdout == f"The page is {path}\n", drawn.stderr
    # What is stored is all that the run's own page is drawn from.
    assert path.read_bytes() == report.read_bytes()

    found = look_at("report.html")

    assert found["pictures"] > 5
    assert found["wide"] == []
    # The tables of the summary fit; only those of the evidence scroll in their boxes.
    assert found["cards"] == [0, 0, 0, 0]
    assert found["width"] <= WIDTH


def test_on_the_report_of_a_pool_a_ticker_is_chosen(tmp_path, look_at):
    (tmp_path / "pool.html").write_text(render_pool_page(report_data(tickers=3), 0))

    first, named = look_at("pool.html"), look_at("pool.html#C.NS")

    assert first["titles"] == ["Next session", "A.NS"]
    assert named["titles"] == ["Next session", "C.NS"]
    for found in (first, named):
        assert found["drawn"] >= 2
        assert found["pictures"] > 5
        assert found["wide"] == []
        assert found["cards"] == [0, 0]
        assert found["width"] <= WIDTH
