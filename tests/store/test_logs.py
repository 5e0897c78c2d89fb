"""One JSON line an event, whoever says it."""

from __future__ import annotations

import json
import subprocess
import sys

SAYS = """
import logging, structlog
from store.logs import configure

configure("info")
structlog.get_logger().warning("ours", number=1)
logging.getLogger("uvicorn.error").warning("Invalid %s request received.", "HTTP")
logging.getLogger("uvicorn.error").info("not worth a line")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("rq.worker").error("found an unhandled exception", exc_info=True)
"""


def test_what_packages_warn_of_is_a_line_as_ours() -> None:
    said = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, check=True, text=True).stderr
    ours, warned, broke = (json.loads(line) for line in said.splitlines())
    assert (ours["event"], ours["number"], ours["level"]) == ("ours", 1, "warning")
    assert (warned["event"], warned["logger"]) == ("Invalid HTTP request received.", "uvicorn.error")
    assert (broke["event"], broke["error"], broke["level"]) == (
        "found an unhandled exception",
        "ZeroDivisionError",
        "error",
    )
    assert broke["traceback"].startswith("Traceback")
    assert warned.keys() - {"logger"} == ours.keys() - {"number"}
