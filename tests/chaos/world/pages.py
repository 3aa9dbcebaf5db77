"""Draw a page of a running dashboard as a browser has it drawn, without a browser."""

from __future__ import annotations

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

SECONDS = 20.0
PAGES = ("", "predictions", "analytics", "pipeline_control", "monitoring")


def problems_of(url: str, page: str) -> list[str]:
    """What a page shows as an exception; empty where it is drawn to its end."""
    found = []
    with connect(
        f"{url.replace('http', 'ws')}/_stcore/stream",
        origin=url,
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        open_timeout=SECONDS,
    ) as socket:
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.context_info.url = f"{url}/{page}"
        socket.send(asked.SerializeToString())
        while True:
            told = ForwardMsg.FromString(bytes(socket.recv(SECONDS)))  # type: ignore[arg-type]
            kind = told.WhichOneof("type")
            if kind == "delta" and told.delta.new_element.WhichOneof("type") == "exception":
                exception = told.delta.new_element.exception
                found.append(f"{exception.type}: {exception.message}")
            if kind == "page_not_found":
                found.append("there is no such page")
            if kind == "script_finished":
                return found
