"""What a run found: a line for each check as it ends, and the list that scripts read."""

from typing import NamedTuple


class Check(NamedTuple):
    name: str
    asked: str
    measured: str
    ok: bool | None  # None: could not be looked at here


class Report:
    """Collects checks, and prints each as it comes unless it is quiet."""

    def __init__(self, quiet=False):
        self.quiet = quiet
        self.checks = []

    def add(self, name, asked, measured, ok):
        self.checks.append(Check(name, asked, measured, ok))
        if not self.quiet:
            print(f"{ {True: 'ok', False: 'FAILED', None: 'skipped'}[ok]:8}{name}: {measured}", flush=True)

    def complaints(self, name, asked, said, looked_at):
        """A check that is well if nothing was complained about, and if it looked at anything at all."""
        said = list(dict.fromkeys(said))
        if said:
            shown = "\n          ".join(said[:12]) + (f"\n          and {len(said) - 12} more" if len(said) > 12 else "")
            self.add(name, asked, f"{len(said)} wrong, looked at {looked_at}\n          {shown}", False)
        else:
            self.add(name, asked, f"nothing wrong, looked at {looked_at}", looked_at > 0)

    def skipped(self, name, asked, why):
        self.add(name, asked, why, None)

    def failed(self):
        return [check for check in self.checks if check.ok is False]

    def as_dicts(self):
        """What a script reads; what could not be looked at is left out, as it was not measured."""
        return [check._asdict() for check in self.checks if check.ok is not None]
