"""Commands that a page tells people to type: its sh blocks, and where it says that each is run.

A block is preceded by a comment which readers do not see: <!-- run: WHERE --> or <!-- run: WHERE; prints: NAME -->, where what the block
prints is kept under that name.
"""

import re
from typing import NamedTuple

BLOCK = re.compile(r"(?:<!-- run: ([a-z-]+)(?:; prints: ([a-z]+))? -->\n)?```sh\n(.*?)```", re.DOTALL)


class Block(NamedTuple):
    where: str   # "" where the page does not say
    prints: str  # the name under which its output is kept
    script: str


def blocks(path):
    return [Block(where or "", prints or "", script) for where, prints, script in BLOCK.findall(path.read_text(encoding="utf-8"))]
