"""The labelled images that the digits model was not trained on."""

import csv
import pathlib
import subprocess


def export_held_out(programs, folder):
    """Writes them into the folder as 0000.png and so on, and returns [(png bytes, label)] in that order."""
    folder = pathlib.Path(folder)
    subprocess.run([programs["train-digits"], "--export-heldout", folder], check=True, stdout=subprocess.DEVNULL)
    with open(folder / "labels.csv", newline="", encoding="ascii") as table:
        return [((folder / row["file"]).read_bytes(), row["label"]) for row in csv.DictReader(table)]
