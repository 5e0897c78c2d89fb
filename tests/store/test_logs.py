"""One JSON line an event, whoever says it."""

from __future__ import annotations

import json
import subprocess
import sys

SAYS = """
import logging, structlog
from store.logs import configure

configure("info")
configure("info")  # as where custody is served
structlog.get_logger().warning("ours", number=1)
logging.getLogger("uvicorn.error").warning("Invalid %s request received.", "HTTP")
logging.getLogger("uvicorn.error").info("not worth a line")
try:
    int("what a citizen wrote")
except ValueError as error:
    logging.getLogger("rq.worker").error("found an unhandled exception", exc_info=True)
    logging.getLogger("rq.worker").error("[Job %s]: exception raised while executing\\n%s", "1", error)
"""


def test_what_packages_warn_of_is_a_line_as_ours_and_quotes_nobody() -> None:
    said = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, check=True, text=True).stderr
    ours, warned, *broke = (json.loads(line) for line in said.splitlines())
    assert (ours["event"], ours["number"], ours["level"]) == ("ours", 1, "warning")
    assert (warned["event"], warned["logger"]) == ("Invalid HTTP request received.", "uvicorn.error")
    assert warned.keys() - {"logger"} == ours.keys() - {"number"}
    assert [one["event"] for one in broke] == [
        "found an unhandled exception",
        "[Job 1]: exception raised while executing",
    ]
    for one in broke:
        assert (one["error"], one["level"], one["where"]) == ("ValueError", "error", ["<string>:11"])
    assert "citizen" not in said
