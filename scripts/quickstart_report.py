"""What the quickstart found: counts over the jobs that came back, the table for people, and the object for programs."""

import collections
import math

from quickstart_fleet import NODES, PRESETS


def quantile(values, fraction):
    """The smallest value that at least this fraction does not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)] if ordered else None


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def shares(names):
    counts = collections.Counter(names)
    total = sum(counts.values())
    return {name: round(count / total, 4) for name, count in sorted(counts.items())}


def top_label(result):
    """The best label of the result's first output that has labels."""
    for output in result["outputs"].values():
        if "labels" in output:
            return output["labels"][0]["label"]
    return None


def preset_figures(sent):
    """sent: the SentImages of one preset."""
    results = [image.job["result"] for image in sent if image.succeeded]
    return {
        "jobs": len(sent),
        "nodes": shares(result["node"] for result in results),
        "variants": shares(result["variant"] for result in results),
        "choices": shares(f"{result['node']}/{result['variant']}" for result in results),
        "latency_p50_ms": quantile([result["actual"]["latency_ms"] for result in results], 0.50),
        "latency_p99_ms": quantile([result["actual"]["latency_ms"] for result in results], 0.99),
        "energy_j": mean(result["actual"]["energy_j"] for result in results),
        "energy_p50_j": quantile([result["actual"]["energy_j"] for result in results], 0.50),
        "cost_usd": mean(result["actual"]["cost_usd"] for result in results),
        "cost_p50_usd": quantile([result["actual"]["cost_usd"] for result in results], 0.50),
        "accuracy": mean(top_label(image.job["result"]) == image.label for image in sent if image.succeeded),
    }


def summary(sent, audit, failover_ms):
    succeeded = [image for image in sent if image.succeeded]
    return {
        "jobs": len(sent),
        "succeeded": len(succeeded),
        "lost": audit.lost,
        "duplicated": audit.duplicated,
        "accuracy": mean(top_label(image.job["result"]) == image.label for image in succeeded),
        "presets": {preset: preset_figures([image for image in sent if image.preset == preset]) for preset in PRESETS},
        "failover_ms": failover_ms,
        "energy_sources": sorted({image.job["result"]["usage"]["energy_source"] for image in succeeded}),
        "attempts_repeated": sum(image.job["attempts"] > 1 for image in succeeded),
    }


def text_of(figures):
    """The table and what stands below it, as lines."""
    def number(value, form):
        return "-" if value is None else form % value

    def scaled(value, factor):
        return None if value is None else value * factor

    def percent(parts):
        return " ".join(f"{name} {100 * share:.0f}%" for name, share in sorted(parts.items(), key=lambda item: -item[1]))

    lines = [f"{'preset':<9} {'images':>6}  {'p50 ms':>7} {'p99 ms':>7}  {'p50 mJ':>7} {'mean mJ':>8}  {'p50 n$':>7} {'mean n$':>8}  {'right':>6}  where and which variant"]
    for name, figure in figures["presets"].items():
        lines.append(
            f"{name:<9} {figure['jobs']:>6}  {number(figure['latency_p50_ms'], '%.1f'):>7} {number(figure['latency_p99_ms'], '%.1f'):>7} "
            f" {number(scaled(figure['energy_p50_j'], 1e3), '%.2f'):>7} {number(scaled(figure['energy_j'], 1e3), '%.2f'):>8} "
            f" {number(scaled(figure['cost_p50_usd'], 1e9), '%.2f'):>7} {number(scaled(figure['cost_usd'], 1e9), '%.2f'):>8} "
            f" {number(scaled(figure['accuracy'], 100), '%.1f%%'):>6}  {percent(figure['choices'])}")
    lines += [
        "",
        f"images {figures['jobs']}, succeeded {figures['succeeded']}, lost {figures['lost']}, doubled {figures['duplicated']}; "
        f"accuracy {number(scaled(figures['accuracy'], 100), '%.1f%%')}",
        "joules and dollars are per request; the means hold the loading of variants into runners, which the medians do not",
        f"failover: {number(figures['failover_ms'], '%.0f ms')} from the SIGKILL until the last task of the killed node had finished elsewhere; "
        f"{figures['attempts_repeated']} tasks took more than one attempt",
        "",
        "measured: latency (submit to result, at the controller), accuracy (against the labels), lost, doubled, failover.",
        f"energy:   {' and '.join(figures['energy_sources']) or 'none'}: "
        + ("the node's declared power x measured time, plus transfer" if figures["energy_sources"] == ["modelled"] else "sensors where they are"),
        "modelled: cost = the declared price x measured time. Declared per node:",
    ]
    for node in NODES:
        link = "local"
        if node.link:
            link = f"{2 * node.link.delay_ms:g} ms RTT" + (f", {node.link.rate_mbit:g} Mbit/s" if node.link.rate_mbit else "")
        lines.append(f"          {node.name:<11} {node.cpu_share:.0%} of a core x {node.slots}, {node.idle_w:g}/{node.busy_w:g} W idle/busy, "
                     f"{node.price_usd_per_hour:.4f} $/h, link {link}")
    return lines
