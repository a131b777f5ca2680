"""Reads the daemons' logs as witnesses. Each line is written before what it tells has any effect outside, by one write into a
file that nobody who is killed holds in memory; so a log is complete, but for a last line that may be torn."""

import json

from chaos.join import Execution
from chaos.ledger import ENDS, End

BEGINS = '{"time"'
RAN = "attempt ended: "
SANITIZERS = ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:")


def lines(path, containing):
    """The parsed lines that contain the word. After a torn line the next process's first line follows on the same line."""
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if containing in line:
                whole = line[line.rindex(BEGINS):] if BEGINS in line else ""
                try:
                    yield json.loads(whole)
                except json.JSONDecodeError:
                    continue


def executions(path, node):
    for line in lines(path, RAN):
        if line["message"].startswith(RAN) and "job" in line:
            outcome = line["message"].removeprefix(RAN).split(":")[0]
            yield Execution(job=line["job"], number=int(line["number"]), uid=line["attempt"], node=node, outcome=outcome)


def logged_ends(path):
    for line in lines(path, '"message":"job '):
        state = line["message"].removeprefix("job ")
        if state in ENDS:
            succeeded = state == "SUCCEEDED"
            yield line["job"], End(state=state, attempt=int(line["number"]) if succeeded else None,
                                   node=line["node"] if succeeded else None, by="the controller's log")


def sanitizer_reports(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        return [line.strip() for line in log if any(name in line for name in SANITIZERS) and "SUMMARY" in line]
