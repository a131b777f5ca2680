"""Where helm and the schemas of Kubernetes are: those that scripts/install-deploy-tools got, else a helm of this machine's."""

import pathlib
import shutil
import subprocess
import sys

INSTALLER = pathlib.Path(__file__).resolve().parents[1] / "install-deploy-tools"


def folder():
    """The folder of the installed tools, or None if they are not there, or others than those that are named now."""
    asked = [subprocess.run([sys.executable, str(INSTALLER), flag], capture_output=True, text=True, check=False) for flag in ("--check", "--folder")]
    return pathlib.Path(asked[1].stdout.strip()) if asked[0].returncode == 0 else None


def helm():
    place = folder()
    return str(place / "bin" / "helm") if place else shutil.which("helm")
