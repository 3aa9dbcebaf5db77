"""The report of a run in a real browser, on a screen as narrow as a phone's."""

import functools
import http.server
import json
import re
import threading

import pytest

from tests.support.browser import dump_dom

WIDTH = 420
# A frame has the width that it is given, whatever the least width of a window is. Boxes that
# scroll by themselves may hold what is wider.
FRAME = """<!doctype html>
<iframe src="report.html" width="%d" height="900" style="border:0"></iframe>
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
    wide: wide.map(element => element.tagName + "." + element.getAttribute("class")).slice(0, 9),
  };
  document.body.append("found" + JSON.stringify(found) + "end");
}, 3000);
</script>"""


@pytest.fixture
def serve(tmp_path):
    """A server of the files in a folder; returns its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_report_fits_a_narrow_screen(command, home, tmp_path, serve):
    ran = command("mlops.pipeline", "--ticker", "DEMO.NS", FORECAST_NOW="2026-11-23T18:00+05:30")
    assert ran.returncode == 0, ran.stderr
    (report,) = (home / "mlops/runs").glob("*/report.html")
    (tmp_path / "report.html").write_bytes(report.read_bytes())
    (tmp_path / "frame.html").write_text(FRAME % (WIDTH, WIDTH))

    page = dump_dom(f"{serve}/frame.html", tmp_path / "browser")

    found = json.loads(re.search(r"found(\{[^<>]*\})end", page)[1])
    assert found["pictures"] > 5
    assert found["wide"] == []
    # The tables of the summary fit; only those of the evidence scroll in their boxes.
    assert found["cards"] == [0, 0, 0, 0]
    assert found["width"] <= WIDTH
