"""The files that an administrator runs the service from: the unit, the compose file, the image."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_unit_is_one_that_systemd_reads(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = tmp_path / "eutonia.service"
    text = (DEPLOY / "eutonia.service").read_text()
    unit.write_text(text.replace("/opt/eutonia/bin/eutonia", "/bin/true"))  # which must exist
    found = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    ours = [line for line in found.stderr.splitlines() if "eutonia.service" in line]
    assert not ours
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout[-2000:] + rated.stderr


def test_every_setting_of_the_deployment_exists() -> None:
    """A misspelt variable would be silently without effect."""
    page = (DEPLOY.parent / "docs" / "how-to" / "serve.md").read_text()
    known = set(re.findall(r"`(EUTONIA_[A-Z_]+)`", page))
    for name in ("Dockerfile", "compose.yaml", "eutonia.service"):
        used = set(re.findall(r"EUTONIA_[A-Z_]+", (DEPLOY / name).read_text()))
        assert used <= known, name


def test_the_containers_are_hardened() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["eutonia"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_image_holds_what_it_copies_and_runs_as_nobody_of_note() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    for name in (each for names in copied for each in names):
        assert (DEPLOY.parent / name).exists(), name
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(line.startswith("HEALTHCHECK") for line in lines)
