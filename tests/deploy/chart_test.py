#!/usr/bin/env python3
"""The chart helm/skerry: rendered with every set of values, and looked at from all sides. A line for each check.

Usage: chart_test.py [--update]      --update writes the golden files anew
  SKERRY_BUILD   a build folder, whose programs check the configuration that the chart makes

Exit status: 0, 1 if a check failed, 77 if there is no helm (scripts/install-deps --deploy gets it).
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

SKIPPED = 77


class Missing(Exception):
    """What the tests need is not here; the text says how to get it."""


def needed():
    try:
        import jsonschema  # noqa: F401
        import yaml  # noqa: F401
    except ImportError as lacking:
        raise Missing(f"Python's {lacking.name} is not here: scripts/install-deps --deploy") from lacking
    from chart import tools
    if tools.helm() is None:
        raise Missing("helm is not here: scripts/install-deps --deploy")


def run(update=False, quiet=False):
    """Makes all checks; returns the report. Missing: what it needs is not here."""
    needed()
    import yaml
    from chart import tools

    from deploy import check_docs, check_files, check_objects, check_programs, check_secrets, check_values
    from deploy.rendering import FOLDER, Helm, value_sets
    from deploy.report import Report

    report, helm, sets, folder = Report(quiet), Helm(), value_sets(), tools.folder()
    try:
        rendered = {path.name: helm.template(values=path) for path in sets}
        check_files.versions(report)
        check_files.lint(report, helm, sets)
        check_files.speed(report, rendered)
        check_objects.golden_files(report, rendered, update)
        check_objects.schemas(report, rendered, folder)
        for check in (check_objects.standard, check_objects.no_rights, check_objects.lasting_fields, check_objects.probes, check_objects.networks,
                      check_objects.services, check_objects.metadata, check_objects.images, check_programs.plain_text,
                      check_programs.mounted_files, check_secrets.all_replaceable, check_secrets.nobody_holds_more):
            check(report, rendered)
        check_secrets.made_once(report, helm)
        check_secrets.authority_is_good(report, helm)
        check_values.described(report)
        check_values.wrong_values(report, helm)
        check_values.every_toggle(report, helm, folder)
        check_values.every_value_acts(report, helm, yaml.safe_load((FOLDER / "values" / "all-on.yaml").read_text(encoding="utf-8")))
        check_values.digests(report, helm)
        check_files.current(report, helm)
        check_files.install_yaml(report, folder)
        check_files.notes(report, helm, sets)
        check_files.dashboards_and_rules(report, helm, rendered)
        check_files.works_without(report, helm)
        check_files.package(report, helm)
        check_docs.documented(report, helm, folder)
        check_programs.program_complaints(report, rendered)
    finally:
        helm.close()
    return report


def checks():
    """[{"name", "asked", "measured", "ok"}] of what could be looked at here. Missing: nothing could."""
    return run(quiet=True).as_dicts()


def main(arguments):
    if arguments not in ([], ["--update"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        report = run(update=bool(arguments))
    except Missing as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    failed = report.failed()
    print(f"{len(report.checks)} checks, {len(failed)} failed" + "".join(f", {check.name}" for check in failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
