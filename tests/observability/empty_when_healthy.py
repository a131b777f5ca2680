"""What may have nothing to show in the live test, each with its reason: "dashboard: panel: query" and selectors of alerts.

Everything else must have data there. What stands here and has data all the same is no failure.
"""

PANELS = {
    "skerry-fleet: GPUs: A": "only nodes that have a GPU",
    "skerry-fleet: GPUs: B": "only nodes that have a GPU",
    "skerry-failures: Results that nodes hold: B": "a node with 10,000 results that nobody acknowledges",
    "skerry-failures: Space of the store: C": "a disk that is full",
    "skerry-failures: Models and policies that were stopped or changed: C": "a breaker that opened; every controller begins without",
    "skerry-scheduler: Second attempts: B": "second attempts that were made: whether one pays is the controller's to judge",
    "skerry-energy: In vain: A": "energy of second attempts; there may be none",
}
