"""What is set from outside: environment variables that begin with EUTONIA_ (docs/how-to/serve.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eutonia.errors import InputError

ALGORITHMS = ("ES384", "RS384", "ES256", "RS256")
"""What a token may be signed with. No symmetric algorithm, and never none: a public key would sign for it."""


@dataclass(frozen=True)
class Settings:
    """How one installation runs. The defaults serve this machine alone and trust nobody else."""

    base_url: str = ""
    """How clients reach the service; empty: as the request says."""
    data: Path = Path()
    """Folder of the feedback store."""
    feedback_url: str = ""
    """A PostgreSQL URL in place of the SQLite file."""
    jwt_issuers: Mapping[str, str] = field(default_factory=dict)
    """Issuer → its keys: a JWKS file, or the https address of one. Empty: no token is asked for."""
    jwt_algorithms: tuple[str, ...] = ("ES384", "RS384")
    open_discovery: bool = True
    fhir_servers: tuple[str, ...] = ()
    """FHIR servers that may be read although they are private or speak plain http."""
    only_listed_servers: bool = False
    fhir_seconds: float = 3.0
    frame_ancestors: tuple[str, ...] = ()
    """Origins that may show the page in a frame."""
    smart_clients: Mapping[str, str] = field(default_factory=dict)
    """FHIR server → our client id there, for the SMART launch."""
    most_bytes: int = 5_000_000
    deepest: int = 60
    forecast_seconds: float = 0.25
    """How long a card waits for the simulation of its order; 0: cards are made by the rules alone."""
    seconds: float = 20.0
    """After this long a request is answered 503."""
    at_once: int = 4
    """Requests worked on at once, in each worker process; the others wait."""
    waiting: int = 64
    """Requests that may wait; more are answered 503."""
    per_minute: int = 600
    """Requests of one address in a minute and worker process; 0: no limit."""

    @property
    def origin(self) -> str:
        return self.base_url.rstrip("/")


def from_environment(env: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises InputError that names the variable."""
    env = os.environ if env is None else env
    algorithms = tuple(_words(env, "JWT_ALGORITHMS")) or Settings.jwt_algorithms
    for name in algorithms:
        if name not in ALGORITHMS:
            raise InputError(
                f"EUTONIA_JWT_ALGORITHMS: “{name}” cannot be used. Choose from {', '.join(ALGORITHMS)}."
            )
    if _pairs(env, "JWT_ISSUERS") and not _address(env, "BASE_URL"):
        raise InputError(
            "EUTONIA_JWT_ISSUERS needs EUTONIA_BASE_URL: a token is for one address, and a request must not choose it."
        )
    return Settings(
        base_url=_address(env, "BASE_URL"),
        data=Path(env.get("EUTONIA_DATA") or _data_folder()),
        feedback_url=env.get("EUTONIA_FEEDBACK_URL", ""),
        jwt_issuers=_pairs(env, "JWT_ISSUERS"),
        jwt_algorithms=algorithms,
        open_discovery=_flag(env, "OPEN_DISCOVERY", True),
        fhir_servers=tuple(each.rstrip("/") for each in _words(env, "FHIR_SERVERS")),
        only_listed_servers=_flag(env, "FHIR_ONLY_LISTED", False),
        fhir_seconds=_number(env, "FHIR_SECONDS", Settings.fhir_seconds),
        frame_ancestors=tuple(_words(env, "FRAME_ANCESTORS")),
        smart_clients=_pairs(env, "SMART_CLIENTS"),
        most_bytes=int(_number(env, "MOST_BYTES", Settings.most_bytes)),
        forecast_seconds=_number(env, "FORECAST_SECONDS", Settings.forecast_seconds),
        seconds=_number(env, "SECONDS", Settings.seconds),
        at_once=max(1, int(_number(env, "AT_ONCE", Settings.at_once))),
        per_minute=int(_number(env, "PER_MINUTE", Settings.per_minute)),
    )


def _data_folder() -> str:
    import platformdirs

    return platformdirs.user_data_dir("eutonia")


def _words(env: Mapping[str, str], name: str) -> list[str]:
    return env.get(f"EUTONIA_{name}", "").replace(",", " ").split()


def _pairs(env: Mapping[str, str], name: str) -> dict[str, str]:
    """`left=right left=right`; the left side is an address, and holds no equals sign."""
    found = {}
    for word in _words(env, name):
        left, equals, right = word.partition("=")
        if not (left and equals and right):
            raise InputError(f"EUTONIA_{name}: “{word}” is not of the form ADDRESS=VALUE.")
        found[left.rstrip("/")] = right
    return found


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    text = env.get(f"EUTONIA_{name}", "").casefold()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    if text:
        raise InputError(f"EUTONIA_{name}: “{text}” is neither yes nor no.")
    return default


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(f"EUTONIA_{name}", "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1e12:
        raise InputError(f"EUTONIA_{name}: “{text}” is not a number of zero or more.")
    return value


def _address(env: Mapping[str, str], name: str) -> str:
    text = env.get(f"EUTONIA_{name}", "").rstrip("/")
    if text and not text.startswith(("http://", "https://")):
        raise InputError(
            f"EUTONIA_{name}: “{text}” is no address. Write it like https://eutonia.example.org."
        )
    return text
