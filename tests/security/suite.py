"""The parts of scripts/security-suite."""

from harness import suite
from security import audit, cost, floods, members, models, secrets, tenants, units

PARTS = {"access": units.access, "tokens": units.tokens, "smuggling": units.smuggling, "ssrf": units.ssrf,
         "members": members.run, "stolen": units.stolen, "audit": audit.run, "secrets": secrets.run, "floods": floods.run,
         "models": models.run, "tenants": tenants.run, "cost": cost.run}
NOT_QUICK = {"cost", "tenants"}  # figures of speed, which mean nothing beside other tests


def main(about, arguments):
    return suite.main("security", about, PARTS, NOT_QUICK, arguments)
