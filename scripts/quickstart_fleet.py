"""The three nodes of the quickstart: what their agents enforce on this machine, and the power and prices they declare.

The limits are real (threads, CPU share, the relay on the cloud's link); power and prices are models, with these sources.
"""

from harness.cluster import Link, NodePlan

# A small edge box on the shop's Wi-Fi, Raspberry Pi class: 2.5 W idle and 6 W with a core busy, as reviewers measure the
# Pi 4 and 5; 8 ms away, which a busy radio takes. Full cost of ownership: a box of 300 dollars over 3 years is 0.011 dollars
# an hour; uplink, power and visits are the rest.
EDGE_SMALL = NodePlan("edge-small", tier="edge", site="shop-1", threads=1, cpu_share=0.5, idle_w=2.5, busy_w=6.0,
                      price_usd_per_hour=0.040, link=Link(delay_ms=4))

# A bigger one on the wire, Jetson AGX Orin class: 25 W under load, the lower end of the 25 to 28 W of EdgeReasoning's
# measurements; a third dearer hardware, shared with other work.
EDGE_BIG = NodePlan("edge-big", tier="edge", site="shop-1", threads=1, cpu_share=1.0, idle_w=8.0, busy_w=25.0,
                    price_usd_per_hour=0.060)

# A rented machine with two cores: 0.030 dollars an hour is the public on-demand price of a t3.medium; power as of an entry
# one-socket server of the 65 W class; 40 ms round trip and 20 Mbit/s, as between regions over a shop's uplink. Radio energy
# of an LTE uplink: 0.44 J/Mbit = 3.5 uJ/byte (Huang et al., MobiSys 2012).
CLOUD = NodePlan("cloud", tier="cloud", site="region-1", slots=2, threads=1, cpu_share=1.0, idle_w=25.0, busy_w=65.0,
                 transfer_j_per_byte=3.5e-6, price_usd_per_hour=0.030, link=Link(delay_ms=20, rate_mbit=20))

NODES = [EDGE_SMALL, EDGE_BIG, CLOUD]
VICTIM = EDGE_BIG.name  # killed in the middle
PRESETS = ["fast", "green", "cheap", "accurate"]
