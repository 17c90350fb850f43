"""Pin what is installed: the newest versions that fit pyproject.toml, names and versions only.

pip resolves; its report is read, so that no address of any index ends up in a file.
"""

import json
import subprocess
import sys
from pathlib import Path

FILES = {
    "requirements.lock": ".",
    "requirements-test.lock": ".[test]",
    "requirements-dev.lock": ".[test,dev]",
}


def resolve(target: str) -> list[str]:
    """`name==version` of everything that `target` needs, itself left out."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--ignore-installed",
        "--report",
        "-",
        target,
    ]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    parts = [item["metadata"] for item in report["install"]]
    return sorted(f"{part['name'].lower()}=={part['version']}" for part in parts if part["name"] != "eutonia")


for name, target in FILES.items():
    pins = resolve(target)
    Path(name).write_text("\n".join(pins) + "\n")
    print(f"{name}: {len(pins)} packages")
