"""Who is calling: the signed token of a CDS Hooks client (JWT), checked as the specification asks.

Off unless issuers are configured. A key never comes from the token itself: `jku` only picks among the addresses that
the settings list for its issuer.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import to_bytes, urlsafe_b64decode

from eutonia.errors import InputError
from eutonia.web.feedback import Store
from eutonia.web.outside import Outside, Unreachable
from eutonia.web.problems import Refusal
from eutonia.web.settings import Settings

SKEW = 60.0
LONGEST_LIFE = 600.0
KEYS_KEPT = 600.0
REFETCH_AFTER = 30.0


class Trust:
    """Checks tokens against the issuers of the settings."""

    def __init__(self, settings: Settings, outside: Outside, store: Store) -> None:
        self._issuers = settings.jwt_issuers
        self._algorithms = list(settings.jwt_algorithms)
        self._outside = outside
        self._store = store
        self._fetched: dict[str, tuple[float, KeySet]] = {}
        self._local = {
            issuer: _local_keys(where) for issuer, where in self._issuers.items() if not _is_address(where)
        }

    @property
    def asked_for(self) -> bool:
        return bool(self._issuers)

    async def check(self, authorization: str | None, url: str) -> None:
        """Raise Refusal (401) unless the header holds a good token for exactly this `url`."""
        if not self.asked_for:
            return
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            raise Refusal(401, "A signed token is needed: Authorization: Bearer.")
        token = token.strip()
        header, claims = _unverified(token)
        if header.get("alg") not in self._algorithms:
            raise Refusal(401, f"The token must be signed with {' or '.join(self._algorithms)}.")
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer.rstrip("/") not in self._issuers:
            raise Refusal(401, "The token's issuer is not among those that are trusted.")
        keys = await self._keys(issuer.rstrip("/"), header)
        try:
            verified = jwt.decode(token, keys, algorithms=self._algorithms).claims
        except (JoseError, ValueError):
            raise Refusal(401, "The token's signature cannot be verified.") from None
        self._check_claims(verified, url)
        seen = issuer, str(verified["jti"]), float(verified["exp"]) + SKEW, time.time()
        asked = self._store.first_sight
        if not (await asyncio.to_thread(asked, *seen) if self._store.remote else asked(*seen)):
            raise Refusal(401, "The token was used before. Make a new one for each call.")

    def _check_claims(self, claims: Mapping[str, Any], url: str) -> None:
        now = time.time()
        issued, expires = _number(claims.get("iat")), _number(claims.get("exp"))
        if issued is None or expires is None:
            raise Refusal(401, "The token needs exp and iat.")
        if expires <= now - SKEW:
            raise Refusal(401, "The token has expired.")
        if issued > now + SKEW:
            raise Refusal(401, "The token is from the future.")
        if expires - issued > LONGEST_LIFE or expires <= issued:
            raise Refusal(401, "The token must live for at most ten minutes.")
        not_before = _number(claims.get("nbf", 0))
        if not_before is None or not_before > now + SKEW:
            raise Refusal(401, "The token is not valid yet.")
        audience = claims.get("aud")
        if url not in (audience if isinstance(audience, list) else [audience]):
            raise Refusal(
                401, "The token is for another address. Its aud must be the exact URL that is called."
            )
        token_id = claims.get("jti")
        if not isinstance(token_id, str) or not 0 < len(token_id) <= 256 or not token_id.isprintable():
            raise Refusal(401, "The token needs a jti: at most 256 printable characters.")

    async def _keys(self, issuer: str, header: Mapping[str, Any]) -> KeySet:
        where = self._issuers[issuer]
        if "jku" in header and header["jku"] != where:
            raise Refusal(401, "The token's jku is not the one that is listed for its issuer.")
        if issuer in self._local:
            return self._local[issuer]
        kept = self._fetched.get(where)
        now = time.monotonic()
        unknown = kept is not None and header.get("kid") not in {key.kid for key in kept[1].keys}
        if kept is not None and now - kept[0] < (REFETCH_AFTER if unknown else KEYS_KEPT):
            return kept[1]
        try:
            found = _key_set(await self._outside.json(where))
        except (Unreachable, InputError):
            raise Refusal(401, "The keys of the token's issuer cannot be read.") from None
        self._fetched[where] = (now, found)
        return found


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims before the signature is checked: only to choose the key."""
    parts = token.split(".")
    if len(token) > 8000 or len(parts) != 3 or not all(re.fullmatch(r"[A-Za-z0-9_-]+", p) for p in parts):
        raise Refusal(401, "The token is no signed JWT.")
    try:
        header, claims = (orjson.loads(urlsafe_b64decode(to_bytes(part))) for part in parts[:2])
    except ValueError:
        raise Refusal(401, "The token is no signed JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Refusal(401, "The token is no signed JWT.")
    return header, claims


def _number(value: Any) -> float | None:
    """Seconds since 1970; None for what cannot be a moment."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)


def _is_address(where: str) -> bool:
    return where.startswith(("https://", "http://"))


def _local_keys(path: str) -> KeySet:
    try:
        return _key_set(orjson.loads(Path(path).read_bytes()))
    except (OSError, ValueError):
        raise InputError(f"EUTONIA_JWT_ISSUERS: {path} is no readable JWKS file.") from None


def _key_set(document: Any) -> KeySet:
    """Public keys only: a symmetric key in a set is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    keys = (
        [k for k in listed if isinstance(k, dict) and k.get("kty") in ("EC", "RSA")]
        if isinstance(listed, list)
        else []
    )
    try:
        if keys:
            return KeySet.import_key_set({"keys": keys})
    except (JoseError, ValueError, KeyError):
        pass
    raise InputError("The key set holds no usable EC or RSA key.")
