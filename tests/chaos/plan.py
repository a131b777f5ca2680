"""What is done to whom and when: drawn from one seed before anything starts. Pure.

A victim is the controller, an agent, the runners of an agent, or a link. Each has a track of its own, on which episodes follow
each other without overlapping: killed and started again, killed again while it recovers, stopped for a while; a link is slow,
narrow, silent, cut, reset, half closed or truncated for a while. Tracks know nothing of each other, so that everything meets
everything. The kills are exactly as many as asked; all else comes on top. Right before a kill the clients hurry, so that it
meets requests that are half done.
"""

import dataclasses
from typing import NamedTuple

CONTROLLER = "controller"
CLIENTS = "clients"
HURRY = "hurry"
HURRY_S = 0.15
# A process with what it started; alone, so that these must notice; with everything that is under way on its links.
KILLS = ("kill", "kill-alone", "kill-machine")
KILL_SHARES = {"controller": 0.4, "agents": 0.4, "runners": 0.2}
LINK_EPISODE_EVERY_S = 14
RESTORE = "restore"  # a link is as it was


class Step(NamedTuple):
    at_s: float
    whom: str   # "controller", an agent's name, the name of an agent with " runners" behind it, or a link's
    what: str   # one of KILLS, "start", "stop", "go-on"; of links "restore" or a command of the relay


@dataclasses.dataclass(frozen=True)
class Victims:
    agents: list
    with_runners: list  # those of the agents whose runners are killed
    links: list


def draw(chance, kills, length_s, victims):
    """The steps in order of time. chance: a random.Random."""
    steps = []
    for whom, count in shared_out(kills, victims).items():
        steps += track(chance, whom, count, length_s)
    for link in victims.links:
        steps += link_track(chance, link, length_s)
    return sorted(steps)


def shared_out(kills, victims):
    """victim -> its kills; together exactly as many as asked."""
    runners = round(kills * KILL_SHARES["runners"]) if victims.with_runners else 0
    agents = round(kills * KILL_SHARES["agents"])
    shares = {CONTROLLER: kills - runners - agents}
    for number, name in enumerate(victims.agents):
        shares[name] = part(agents, number, len(victims.agents))
    for number, name in enumerate(victims.with_runners):
        shares[runners_of(name)] = part(runners, number, len(victims.with_runners))
    return shares


def part(total, number, count):
    return (number + 1) * total // count - number * total // count


def runners_of(agent):
    return f"{agent} runners"


def track(chance, whom, kills, length_s):
    episodes, left = [], kills
    while left > 0:
        twice = left >= 2 and not whom.endswith(" runners") and chance.random() < 0.3
        episodes.append("killed twice" if twice else "killed")
        left -= 2 if twice else 1
    episodes += ["stopped"] * max(1, kills // 2)
    chance.shuffle(episodes)
    slot_s = length_s / len(episodes)
    for number, episode in enumerate(episodes):
        begins_s = slot_s * (number + chance.uniform(0, 0.4))
        yield from EPISODES[episode](chance, whom, begins_s, slot_s / 2)


def killed(chance, whom, at_s, most_s):
    if whom.endswith(" runners"):  # the agent starts them again itself
        yield Step(at_s, whom, "kill")
    else:
        yield Step(at_s - HURRY_S, CLIENTS, HURRY)
        yield Step(at_s, whom, kind_of_kill(chance, whom))
        yield Step(at_s + chance.uniform(0.02, min(1.5, most_s)), whom, "start")


def killed_twice(chance, whom, at_s, most_s):
    """The second time while it recovers from the first, or before it is even up."""
    up_s = at_s + chance.uniform(0.02, min(1.0, most_s / 3))
    again_s = up_s + chance.uniform(0.005, min(0.6, most_s / 3))
    yield Step(at_s - HURRY_S, CLIENTS, HURRY)
    yield Step(at_s, whom, kind_of_kill(chance, whom))
    yield Step(up_s, whom, "start")
    yield Step(again_s, whom, kind_of_kill(chance, whom))
    yield Step(again_s + chance.uniform(0.02, min(0.6, most_s / 3)), whom, "start")


def stopped(chance, whom, at_s, most_s):
    yield Step(at_s, whom, "stop")
    yield Step(at_s + chance.uniform(0.2, max(0.3, min(8, most_s))), whom, "go-on")


EPISODES = {"killed": killed, "killed twice": killed_twice, "stopped": stopped}


def kind_of_kill(chance, whom):
    return chance.choice(["kill", "kill-machine"] if whom == CONTROLLER else KILLS)


def link_track(chance, link, length_s):
    count = max(1, int(length_s / LINK_EPISODE_EVERY_S))
    slot_s = length_s / count
    for number in range(count):
        at_s = slot_s * (number + chance.uniform(0, 0.4))
        ends_s = at_s + chance.uniform(0.2, max(0.3, min(9, slot_s * 0.6)))
        commands = chance.choice(LINK_EPISODES)(chance)
        yield from (Step(at_s, link, command) for command in commands)
        yield Step(ends_s, link, RESTORE)


LINK_EPISODES = [
    lambda chance: [f"delay {chance.uniform(50, 300):.0f}", f"jitter {chance.uniform(5, 200):.0f}"],
    lambda chance: [f"rate {chance.uniform(0.1, 2):.2f}"],
    lambda chance: ["stall"],
    lambda chance: ["refuse", "reset"],
    lambda chance: ["reset"],
    lambda chance: ["half-close"],
    lambda chance: [f"truncate {chance.randrange(1, 20_000)}"],
]
