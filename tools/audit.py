"""Known holes in pinned dependencies, by pip-audit: `python tools/audit.py requirements.lock`.

Exits 1 where a hole is known. Where the list of holes cannot be reached nothing has been audited: that is said in a
line of its own, and is no reason to stop other checks, unless EUTONIA_AUDIT=required (set it where the net is open).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LINE = "-" * 100


def main(lock: str) -> int:
    run = [
        sys.executable,
        "-m",
        "pip_audit",
        "--progress-spinner",
        "off",
        "--disable-pip",
        "--no-deps",
        "-r",
        lock,
    ]
    found = subprocess.run(run, capture_output=True, text=True, check=False)
    said = found.stdout + found.stderr
    pinned = sum("==" in line for line in Path(lock).read_text().splitlines())
    unseen = said.count("could not be audited")
    if found.returncode == 0 and unseen < pinned:
        print(f"pip-audit: no known hole in {pinned - unseen} of {pinned} pinned dependencies; "
              f"{unseen} could not be looked up.")  # fmt: skip
        return 0
    if "known vulnerabilit" in said and said.lstrip().startswith("Found"):
        print(said)
        return 1
    if unseen >= pinned:
        said = f"None of the {pinned} pinned dependencies could be looked up."
    last = next((line for line in reversed(said.strip().splitlines()) if line.strip()), "no message")
    print(f"{LINE}\nNOT AUDITED: pip-audit could not reach its list of known holes, so nothing is known of {lock}.\n"
          f"{last[:200]}\nRun `make audit` again where the net is open.\n{LINE}", file=sys.stderr)  # fmt: skip
    return 2 if os.environ.get("EUTONIA_AUDIT") == "required" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
