"""Runs the application under uvicorn: worker processes, plain logs, an orderly end."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from eutonia.errors import InputError

GRACE_SECONDS = 20
LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {
        "err": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}
    },
    "root": {"handlers": ["err"], "level": "WARNING"},
    "loggers": {"eutonia": {"level": "INFO"}, "uvicorn.error": {"level": "INFO"}},
}


def serve(host: str, port: int, workers: int) -> None:
    """Serve until told to stop (SIGTERM or Ctrl-C): requests in work are finished first."""
    import uvicorn

    from eutonia.web.settings import from_environment
    from eutonia.web.warming import compile_beside

    from_environment()  # wrong settings are told here, in one line, not by each worker
    _refuse_taken_port(host, port)
    compile_beside()
    with tempfile.TemporaryDirectory(prefix="eutonia-metrics-") as folder:
        if workers > 1:
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        uvicorn.run(
            "eutonia.web.app:from_the_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=30,
            limit_concurrency=1000,
            log_config=LOGS,
        )


def _refuse_taken_port(host: str, port: int) -> None:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise InputError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with --port."
        ) from None
