"""The files that an administrator runs the service from: the unit, the compose file, the image."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
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


def test_the_unit_lets_the_compiling_process_give_way() -> None:
    """`nice` is among the calls of @resources: filtered out, it would end that process each time, and no card would
    ever carry a forecast."""
    lines = (DEPLOY / "eutonia.service").read_text().splitlines()
    filters = [line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=")]
    assert filters.index("setpriority") > filters.index("~@privileged @resources")
    assert "SystemCallErrorNumber=EPERM" in lines


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


def _instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.slow
def test_the_steps_of_the_image_install_a_service_that_answers(tmp_path: Path) -> None:
    """No container runtime is needed: the steps are run in folders of their own, with nothing else at hand."""
    source, home = tmp_path / "src", tmp_path / "opt" / "eutonia"
    source.mkdir()
    steps = _instructions()
    for word, rest in steps:
        if word == "COPY" and not rest.startswith("--from"):
            *names, _ = rest.split()
            for name in names:
                kept = DEPLOY.parent / name
                (shutil.copytree if kept.is_dir() else shutil.copy)(kept, source / Path(name).name)
    clean = {n: v for n, v in os.environ.items() if n.startswith(("PIP_", "http", "HTTP", "SSL", "LANG"))}
    clean |= {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    (install,) = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    run = install.replace("/opt/eutonia", str(home)).replace("python -m venv", f"{sys.executable} -m venv")
    done = subprocess.run(
        ["bash", "-ec", run], cwd=source, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

    (command,) = [json.loads(rest) for word, rest in steps if word == "CMD" and rest.startswith("[")]
    check = next(rest for word, rest in steps if word == "HEALTHCHECK")
    probe = json.loads(check[check.index("CMD") + 3 :])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    bin_ = {"eutonia": str(home / "bin" / "eutonia"), "python": str(home / "bin" / "python")}
    command = [bin_.get(part, port if part == "8000" else part) for part in command]
    probe = [bin_.get(part, part.replace("8000", port)) for part in probe]
    settings = clean | {"EUTONIA_DATA": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    log = tmp_path / "log"
    with log.open("w") as told:
        server = subprocess.Popen(command, cwd=tmp_path, env=settings, stderr=told)
    try:
        end = time.monotonic() + 120
        while (answer := subprocess.run(probe, env=clean, capture_output=True, check=False)).returncode:
            assert server.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < end, answer.stderr[-2000:]
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait(60)


def test_the_context_of_the_image_leaves_out_what_it_does_not_copy() -> None:
    lines = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    copied = [rest.split()[:-1] for word, rest in _instructions() if word == "COPY" and "--from" not in rest]
    assert {f"!{name}" for names in copied for name in names} <= set(lines)
