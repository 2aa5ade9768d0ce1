"""An environment of its own for django-drip-campaigns: its Django is no dependency of ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from bench.measuring import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "build" / "bench-venv"
REQUIREMENTS = (
    "django-drip-campaigns==1.16.2",
    "Django==5.2.19",
    "psycopg[binary]==3.3.9",
    # Imported by the package, but not among its requirements.
    "six==1.17.0",
    "httpx==0.28.1",
    "psutil==7.2.2",
)


class NoEnvironmentError(RuntimeError):
    """The packages could not be installed; the message is pip's last line."""


def python_of_environment() -> Path:
    """The Python that has the package; installed under build/ the first time.

    Raises:
        NoEnvironmentError: without a package index, for instance.
    """
    python = FOLDER / "bin" / "python"
    installed = FOLDER / "installed.txt"
    wanted = "\n".join(REQUIREMENTS)
    if not installed.exists() or installed.read_text() != wanted:
        venv.create(FOLDER, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += REQUIREMENTS
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise NoEnvironmentError((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        installed.write_text(wanted)
    print(f"django-drip-campaigns runs on {python.relative_to(PROJECT_ROOT)}", file=sys.stderr)
    return python
