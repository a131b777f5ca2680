"""The parts of scripts/deploy-suite."""

from deploy import images, packages
from harness import suite

PARTS = {"packages": packages.run, "images": images.run}
NOT_QUICK = set()


def main(about, arguments):
    return suite.main("deploy", about, PARTS, NOT_QUICK, arguments)
