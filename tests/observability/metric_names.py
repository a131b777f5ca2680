"""Which metrics are documented, which the dashboards and rules use, and which are for other eyes, with the reason.

A name here is a family's: the parts of a histogram (_bucket, _sum, _count) stand for it.
"""

import re

from prometheus import ROOT

PAGES = ["docs/metrics.md", "docs/policies.md", "docs/agent.md"]

INTERNAL = {
    "skerry_jobs_retained": "bounded by core.max_retained_jobs; for who sizes the memory",
    "skerry_event_watchers": "bounded by a limit of 256; for who looks for a client that opens too many",
    "skerry_store_sync_batches": "for who works on the store: how well writers share a sync",
    "skerry_store_written_bytes_total": "for who sizes a disk by what it may be written",
    "skerry_hub_streams_held": "for who works on the hub; what it leads to shows as heartbeat ages",
    "skerry_hub_reads_held_total": "as skerry_hub_streams_held",
    "skerry_hub_sessions_total": "nodes that come and go show as changes of state",
    "skerry_hub_messages_total": "for who works on the protocol",
    "skerry_hub_messages_refused_total": "for who works on the protocol: versions that do not know each other's messages",
    "skerry_hub_commands_dropped_total": "for who works on the hub",
    "skerry_hub_frames_total": "for who works on the hub: how well messages share frames",
    "skerry_hub_transfers": "bounded by a limit; bytes of transfers are shown",
    "skerry_hub_transfers_refused_total": "an agent tries again by itself",
    "skerry_door_connections": "one for each node and a few for blobs",
    "skerry_door_handshakes": "bounded by a limit; those that fail are shown",
    "skerry_door_accepted_total": "what is refused of it is shown",
    "skerry_door_passed_total": "what is refused is shown",
    "skerry_door_bytes_total": "the hub's bytes without what HTTP/2 adds, of which the dashboards show enough",
    "skerry_site_jobs_to_bring": "of an agent's own API, which not everybody scrapes",
    "skerry_site_controller_connected": "of an agent's own API, which not everybody scrapes",
}


def family(name):
    return re.sub(r"_(bucket|sum|count)$", "", name)


def documented():
    """The names in the first columns of the pages' tables, and those that the page of the agent names in its text."""
    names = set()
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        rows = re.findall(r"^\|([^|]*)\|", text, re.M)
        names |= set(re.findall(r"`(skerry_\w+[a-z])`", " ".join(rows)))
        names |= set(re.findall(r"`(skerry_site_\w+)`", text))
    return names


def used(expressions):
    """The families that expressions name; recorded ones, which hold a colon, are left out."""
    return {family(name) for expression in expressions for name in re.findall(r"(?<![\w:])(skerry_\w+)(?![\w:])", expression)}
