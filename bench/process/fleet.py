"""What idling costs: one agent, and a controller with a thousand of them."""

import json
import subprocess
import time

from harness.cluster import Cluster, Link, NodePlan

WATCHED_S = 20


def footprint(programs):
    """an idle agent without models: memory, processor, bytes to and from the controller; the memory of one with a site's API"""
    nodes = [NodePlan("edge-0", link=Link()), NodePlan("shop-0", site="shop", settings={"local_api": {"listen": "127.0.0.1:0"}})]
    with Cluster(programs, nodes=nodes) as cluster:
        agent = cluster.agents["edge-0"]
        time.sleep(5)  # what starting costs is over
        cpu_s, bytes_before, began = agent.process.cpu_s(), transferred(agent), time.monotonic()
        time.sleep(WATCHED_S)
        took_s = time.monotonic() - began
        return {"rss_mb": agent.process.resident_bytes() / 1e6,
                "site_rss_mb": cluster.agents["shop-0"].process.resident_bytes() / 1e6,
                "cpu_percent": 100 * (agent.process.cpu_s() - cpu_s) / took_s,
                "control_bytes_per_s": (transferred(agent) - bytes_before) / took_s}


def transferred(agent):
    stats = agent.relay.stats()
    return stats["up_bytes"] + stats["down_bytes"]


def fleet(programs, agents=1000):
    """1,000 agents' streams on one controller, idle, each with a heartbeat a second: the controller's processor and memory"""
    with Cluster(programs) as cluster:
        swarm = subprocess.Popen([programs["swarm"], cluster.agents_at, str(agents), str(WATCHED_S + 25)], stdout=subprocess.PIPE, text=True)
        try:
            assert json.loads(swarm.stdout.readline())["connected"] == agents
            time.sleep(5)
            cpu_s, began = cluster.controller.cpu_s(), time.monotonic()
            time.sleep(WATCHED_S)
            took_s = time.monotonic() - began
            connected = sum(node["connected"] for node in cluster.nodes().values())
            assert connected == agents, f"{connected} of {agents} agents are connected"
            return {"controller_cpu_percent": 100 * (cluster.controller.cpu_s() - cpu_s) / took_s,
                    "controller_rss_mb": cluster.controller.resident_bytes() / 1e6}
        finally:
            swarm.kill()
            swarm.wait()
