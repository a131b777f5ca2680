"""For each alert worlds in which it fires, with what it then says, and some in which it does not. rules_test.py has promtool try them.

Series are written as promtool reads them: "0+60x30" is 0, 60, 120, ... 31 values, one a minute (unless a case says otherwise).
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """series: {name with labels: values}. at: when to look. labels, summary and description: of the alert that must then fire, beside
    its name and severity; without labels none may. early: when it holds already, but not for long enough to fire; needed once for each
    alert that waits. every: between values; step: between evaluations."""
    series: dict
    at: str = "20m"
    labels: dict | None = None
    summary: str = ""
    description: str = ""
    early: str = ""
    every: str = "1m"
    step: str = "1m"

    @property
    def fires(self):
        return self.labels is not None


def fires(series, labels, summary, description, **more):
    return Case(series, labels=labels, summary=summary, description=description, **more)


def silent(series, **more):
    return Case(series, **more)


def ended(state, values, **labels):
    return {f'skerry_jobs_ended_total{{{selector({"model": "digits", "namespace": "default", **labels, "state": state})}}}': values}


def node(name, state, values="1x30", site="shop-1", cordoned="0x30"):
    """A node with its site and one state of it: values of 1 while it is in that state, and while it is cordoned."""
    info = selector({"node": name, **({"site": site} if site else {}), "tier": "edge"})
    return {f'skerry_node_state{{{selector({"node": name, "state": state})}}}': values, f"skerry_node_info{{{info}}}": "1x30",
            f'skerry_node_cordoned{{node="{name}"}}': cordoned}


def selector(labels):
    return ", ".join(f'{name}="{value}"' for name, value in labels.items())


DAY = 86400
CASES = {
    "SkerryErrorBudgetBurnsFast": (
        # Five good hours, then half of the jobs fail for twelve minutes: much for the hour, little for six.
        fires({**ended("SUCCEEDED", "0+100x300 30050+50x12"), **ended("FAILED", "0x300 50+50x12")}, {},
              "Jobs fail so fast that the month's error budget lasts days",
              "10% of the jobs that end did not succeed; 0.5 % over 30 days may.", at="312m", early="310m"),
        # One in twenty, for hours: too little for the windows of an hour, too much for those of six.
        fires({**ended("SUCCEEDED", "0+95x420"), **ended("FAILED", "0+5x420")}, {},
              "Jobs fail so fast that the month's error budget lasts days",
              "5% of the jobs that end did not succeed; 0.5 % over 30 days may.", at="7h"),
        # Half of them did, for twenty minutes, and that is over.
        silent({**ended("SUCCEEDED", "0+50x20 1100+100x60"), **ended("FAILED", "0+50x20 1000x60")}, at="65m"),
        # One in five for minutes, one in ten for half an hour: the short windows alone.
        silent({**ended("SUCCEEDED", "0+100x60 6080+80x10"), **ended("FAILED", "0x60 20+20x10")}, at="64m"),
        silent({**ended("SUCCEEDED", "0+100x300 30090+90x30"), **ended("FAILED", "0x300 10+10x30")}, at="325m")),
    "SkerryErrorBudgetBurnsSlowly": (
        fires({**ended("SUCCEEDED", "0+990x60"), **ended("EXPIRED", "0+10x60")}, {}, "Jobs fail faster than the error budget allows",
              "1% of the jobs of the last three days did not succeed; 0.5 % may.", at="14h", early="20m", every="15m", step="5m"),
        silent({**ended("SUCCEEDED", "0+997x60"), **ended("EXPIRED", "0+3x60"), **ended("CANCELLED", "0+500x60")}, at="14h", every="15m",
               step="5m"),
        # Two good days, then one in fifty fails for three hours: much for six hours, little for three days.
        silent({**ended("SUCCEEDED", "0+1000x192 192980+980x12"), **ended("EXPIRED", "0x192 20+20x12")}, at="51h", every="15m", step="5m")),
    "SkerryDeadlineMisses": (
        fires({**ended("SUCCEEDED", "0+12x30"), **ended("EXPIRED", "0+1x30"), **ended("CANCELLED", "0+20x30")}, {"model": "digits"},
              "Jobs of digits miss their deadlines",
              "7.692% of the jobs of model digits that ended in the last 15 minutes had no result by their deadline.",
              at="25m", early="8m"),
        # Two of ten: too few to tell. Many, but of very many.
        silent({**ended("SUCCEEDED", "0x20 8x20"), **ended("EXPIRED", "0x20 2x20")}, at="30m"),
        silent({**ended("SUCCEEDED", "0+990x30"), **ended("EXPIRED", "0+10x30")}, at="25m")),
    "SkerryQueueOld": (
        fires({"skerry_queue_oldest_seconds": "0+60x30"}, {}, "A task has waited for a node for minutes",
              "The oldest task that waits for a node has waited for 15m 0s.", at="15m", early="8m"),
        # A queue that moves, however long it is.
        silent({"skerry_queue_oldest_seconds": "0 120 250 30 280 200 290x20"}, at="15m")),
    "SkerryNodeLost": (
        fires({**node("edge-1", "DISCONNECTED", "0x5 1x30"), **node("edge-2", "DISCONNECTED", "0x30")},
              {"node": "edge-1", "site": "shop-1", "tier": "edge"}, "Node edge-1 is not heard of",
              "Node edge-1 of site shop-1 (edge) has been silent for two minutes. Its tasks were placed elsewhere.", at="10m", early="7m"),
        # Back at work before it is switched on.
        fires(node("edge-1", "DISCONNECTED", cordoned="1x5 0x30"), {"node": "edge-1", "site": "shop-1", "tier": "edge"},
              "Node edge-1 is not heard of",
              "Node edge-1 of site shop-1 (edge) has been silent for two minutes. Its tasks were placed elsewhere.", at="10m", early="7m"),
        # A minute of silence, and nodes that an operator has taken out, one of them switched off.
        silent({**node("edge-1", "SUSPECT", "0x5 1 0x30"), **node("edge-2", "CORDONED", cordoned="1x30"),
                **node("edge-3", "DISCONNECTED", cordoned="1x30")}, at="8m")),
    "SkerrySiteLost": (
        fires({**node("edge-1", "DISCONNECTED"), **node("edge-2", "SUSPECT"), **node("cloud-1", "READY", site="region-1"),
               'skerry_node_state{node="cloud-1", state="DISCONNECTED"}': "0x30"},
              {"site": "shop-1"}, "Site shop-1 is not heard of", "No node of site shop-1 is heard of; 2 should be at work.", at="10m",
              early="1m"),
        # What is left of it once one is cordoned.
        fires({**node("edge-1", "DISCONNECTED"), **node("edge-2", "CORDONED", cordoned="1x30"),
               'skerry_node_state{node="edge-2", state="DISCONNECTED"}': "0x30"},
              {"site": "shop-1"}, "Site shop-1 is not heard of", "No node of site shop-1 is heard of; 1 should be at work.", at="10m"),
        # One of two; a node of no site; a site that was drained and switched off.
        silent({**node("edge-1", "DISCONNECTED"), **node("edge-2", "DISCONNECTED", "0x30"),
                **node("lone", "DISCONNECTED", site=""), **node("far", "DISCONNECTED", site="shop-2", cordoned="1x30")}, at="10m")),
    "SkerryBrakeActive": (
        fires({"skerry_braking": "0x10 1 0x20"}, {}, "Most nodes fell silent together, and the controller holds back",
              "Most nodes of a site or of the fleet were silent at once in the last five minutes; "
              "for up to a minute nothing is placed again.",
              at="13m"),
        silent({"skerry_braking": "0x5 1 0x20"}, at="20m")),
    "SkerrySpoolGrowing": (
        fires({'skerry_node_spooled_results{node="edge-1"}': "0+40x30", 'skerry_node_spooled_results{node="edge-2"}': "0x30"},
              {"node": "edge-1"}, "Results pile up on node edge-1",
              "Node edge-1 holds results that nobody acknowledges, more and more of them, or so many that it takes no new work.",
              early="6m"),
        fires({'skerry_node_spooled_results{node="edge-1"}': "10000x30", 'skerry_node_spool_full{node="edge-1"}': "1x30"},
              {"node": "edge-1"}, "Results pile up on node edge-1",
              "Node edge-1 holds results that nobody acknowledges, more and more of them, or so many that it takes no new work."),
        # Many, which are being delivered; few, and a few more.
        silent({'skerry_node_spooled_results{node="edge-2"}': "0+2x30", 'skerry_node_spooled_results{node="edge-1"}': "5000-100x30",
                'skerry_node_spool_full{node="edge-1"}': "0x30"})),
    "SkerryNodeCertificateNotRenewed": (
        fires({'skerry_node_certificate_expiry_timestamp_seconds{node="edge-1"}': f"{5 * 3600 + 1200}x30",
               **node("edge-1", "DISCONNECTED", "0x30"), **node("edge-1", "READY")},
              {"node": "edge-1"}, "Node edge-1 does not renew its certificate",
              "The certificate of node edge-1 ends in 5h 0m 0s; then it is cut off.", early="10m"),
        # Renewed at half of its day; and one that is away.
        silent({'skerry_node_certificate_expiry_timestamp_seconds{node="edge-1"}': f"{11 * 3600}x10 {24 * 3600}x20",
                'skerry_node_certificate_expiry_timestamp_seconds{node="edge-2"}': "3600x30", **node("edge-2", "DISCONNECTED")})),
    "SkerryControllerDown": (
        fires({'skerry_hub_streams{cluster="east"}': "3x5 stale", 'skerry_hub_streams{cluster="west"}': "3x30"}, {"cluster": "east"},
              "Prometheus gets nothing from a controller",
              "No controller of cluster east answers Prometheus: it is down, or cannot be scraped.", at="15m", early="7m"),
        # Nobody named the cluster, and there never was any.
        fires({"up": "0x30"}, {}, "Prometheus gets nothing from a controller",
              "No controller answers Prometheus: it is down, or cannot be scraped.", at="15m"),
        # A restart that misses a scrape.
        silent({"skerry_hub_streams": "3x5 stale 3x20"}, at="15m")),
    "SkerryStoreNearFull": (
        fires({"skerry_store_free_bytes": "536870912x30"}, {}, "The store's disk is nearly full",
              "512MiB are free where the controller's store lives, or it is full within a day as it goes.", early="5m"),
        # Enough for now, and gone within hours.
        fires({"skerry_store_free_bytes": "15000000000-20000000x60"}, {}, "The store's disk is nearly full",
              "13.28GiB are free where the controller's store lives, or it is full within a day as it goes.", at="37m"),
        # Much is free and it shrinks; little shrinks, but lasts for weeks.
        silent({'skerry_store_free_bytes{cluster="east"}': "100000000000-1000000000x30",
                'skerry_store_free_bytes{cluster="west"}': "15000000000-10000x30"})),
    "SkerryStoreFull": (
        fires({'skerry_store_space{state="enough"}': "0x30", 'skerry_store_space{state="low"}': "1x30"}, {"state": "low"},
              "The store's disk is full, and nothing new is taken",
              "The controller is read-only (state low): submits get 503 until there is space."),
        silent({'skerry_store_space{state="enough"}': "1x30", 'skerry_store_space{state="low"}': "0x30",
                'skerry_store_space{state="none"}': "0x30"})),
    "SkerryStoreSyncSlow": (
        fires({'skerry_store_sync_duration_seconds_bucket{le="0.1"}': "0+90x30",
               'skerry_store_sync_duration_seconds_bucket{le="0.2"}': "0+100x30",
               'skerry_store_sync_duration_seconds_bucket{le="+Inf"}': "0+100x30"}, {}, "The store's disk is slow",
              "One sync in a hundred takes more than 190ms. Every submit waits for one.", early="6m"),
        silent({'skerry_store_sync_duration_seconds_bucket{le="0.01"}': "0+998x30",
                'skerry_store_sync_duration_seconds_bucket{le="0.2"}': "0+1000x30",
                'skerry_store_sync_duration_seconds_bucket{le="+Inf"}': "0+1000x30"})),
    "SkerryPolicyBreakerOpen": (
        # Open, tried, open again.
        fires({'skerry_policy_breaker_state{state="closed"}': "1x5 0x30", 'skerry_policy_breaker_state{state="open"}': "0x5 1 0 1x30",
               'skerry_policy_breaker_state{state="half_open"}': "0x6 1 0x30"}, {},
              "The placement policy is kept from deciding",
              "The active policy's breaker has not been closed for two minutes; greedy decides in its place.", at="10m", early="7m"),
        # One slip, and well after its rest of 30 s.
        silent({'skerry_policy_breaker_state{state="closed"}': "1x5 0 1x30"}, at="8m")),
    "SkerryApiCertificateExpires": (
        fires({"skerry_api_certificate_expiry_timestamp_seconds": f"{2 * DAY + 1200}x30"}, {}, "The API's certificate ends soon",
              "The certificate that callers see ends in 2d 0h 0m 0s; then no caller believes the API.", early="10m"),
        # The built-in one, just before it is renewed.
        silent({"skerry_api_certificate_expiry_timestamp_seconds": f"{3.5 * DAY:.0f}x30"})),
    "SkerryAuthorityEnds": (
        fires({'skerry_authority_expiry_timestamp_seconds{authority="sha256:5f0c", state="signing"}': f"{10 * DAY + 7200}x150"},
              {"authority": "sha256:5f0c"}, "The authority that signs for nodes ends soon",
              "The signing authority sha256:5f0c ends in 10d 0h 0m 0s; then no node can renew or join.", at="2h", early="30m"),
        # A month is enough; and one that has retired.
        silent({'skerry_authority_expiry_timestamp_seconds{authority="sha256:5f0c", state="signing"}': f"{30 * DAY}x150",
                'skerry_authority_expiry_timestamp_seconds{authority="sha256:77aa", state="retired"}': f"{DAY}x150"}, at="2h")),
    "SkerryInsecureDev": (
        fires({'skerry_insecure_dev{instance="skerry:8443"}': "1x90"}, {"instance": "skerry:8443"}, "insecure_dev is on",
              "skerry:8443 runs with insecure_dev: it may listen beyond loopback unencrypted.", at="80m", early="30m"),
        silent({'skerry_insecure_dev{instance="skerry:8443"}': "0x90"}, at="80m")),
}
