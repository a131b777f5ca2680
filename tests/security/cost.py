"""What all of it costs: a waiting call with TLS, tokens, enrolled nodes and the sandbox, against one without."""

import sys

from harness.programs import ROOT

ADDED_P50_MS = 0.15


def run(suite):
    sys.path.insert(0, str(ROOT / "bench"))
    from process import path  # pylint: disable=import-outside-toplevel
    metrics = path.infer_secure(suite.programs)
    for durability in ("none", "durable"):
        added = round(metrics[f"added_p50_ms_{durability}"], 3)
        suite.check(f"added to the p50 of a waiting call, durability {durability}, ms "
                    f"(without: {metrics[f'plain_p50_ms_{durability}']:.2f})", ADDED_P50_MS, added, added <= ADDED_P50_MS)
