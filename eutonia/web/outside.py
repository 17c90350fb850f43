"""Calls to servers that a request names: FHIR servers and key sets. Guarded, because whoever sends a request would
otherwise choose where we knock (SSRF).

https only, public addresses only, unless the server is listed in the settings; the address that was checked is the one
that is called, so that a name cannot change its meaning in between; no redirects, no proxies, limits on time and size.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

MOST_BYTES = 20_000_000
MOST_PAGES = 5
NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses that a gateway translates to the IPv4 address in their last 32 bits."""


class Unreachable(Exception):
    """The address may not be called, or did not answer with what was asked for."""


def within(url: str, base: str) -> bool:
    """Whether `url` lies under `base`: same scheme, host and port, and a path below it."""
    try:
        one, other = urlsplit(url), urlsplit(base)
        same = (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
    except ValueError:
        return False
    root = other.path.rstrip("/") + "/"
    path = one.path if one.path.endswith("/") else one.path + "/"
    return (
        same
        and one.username is None
        and path.startswith(root)
        and "/../" not in path
        and "%2e" not in path.lower()
    )


class Outside:
    """Reads JSON from other servers."""

    def __init__(self, trusted: Sequence[str], only_trusted: bool, seconds: float) -> None:
        self._trusted = trusted
        self._only_trusted = only_trusted
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            follow_redirects=False, trust_env=False, timeout=seconds, limits=httpx.Limits(max_connections=20)
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def json(self, url: str, token: str | None = None) -> Any:
        """The JSON at `url`. Raises Unreachable, whose text names no patient."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._get(url, token)
        except TimeoutError:
            raise Unreachable("it took too long") from None
        except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError, ValueError, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def post_form(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The JSON object that a form is answered with. Raises Unreachable."""
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._send("POST", url, {}, form)
        except TimeoutError:
            raise Unreachable("it took too long") from None
        except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError, ValueError, OSError) as error:
            raise Unreachable(type(error).__name__) from None
        return answer if isinstance(answer, dict) else {}

    async def _get(self, url: str, token: str | None) -> Any:
        return await self._send("GET", url, {"Authorization": f"Bearer {token}"} if token else {})

    async def _send(
        self, method: str, url: str, more: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> Any:
        target, headers, extensions = await self._checked(url)
        # Not compressed: a small answer could not be unpacked into a large one.
        headers |= {
            "Accept": "application/fhir+json, application/json",
            "Accept-Encoding": "identity",
            **more,
        }
        async with self._client.stream(
            method, target, headers=headers, extensions=extensions, data=form
        ) as answer:
            if answer.status_code != 200:
                raise Unreachable(f"it answered {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise Unreachable("its answer is compressed, which was not asked for")
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    raise Unreachable("its answer is too large")
        return orjson.loads(bytes(content))

    async def _checked(self, url: str) -> tuple[httpx.URL, dict[str, str], dict[str, Any]]:
        """The address to call, pinned to the IP that was looked at, with the name for Host and TLS."""
        parts = httpx.URL(url)
        if parts.userinfo or not parts.host or parts.scheme not in ("http", "https"):
            raise Unreachable("it is no plain web address")
        if any(within(url, base) for base in self._trusted):
            return parts, {}, {}
        if self._only_trusted:
            raise Unreachable("it is not among the servers that may be read")
        if parts.scheme != "https":
            raise Unreachable("it is not https")
        address = await _public_address(parts.host, parts.port or 443)
        host = parts.netloc.decode("ascii")
        return parts.copy_with(host=address), {"Host": host}, {"sni_hostname": parts.host}


async def _public_address(host: str, port: int) -> str:
    """An IP of `host`. Raises Unreachable if any of its addresses is not a public one."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(is_public(each) for each in addresses):
        raise Unreachable("its address is not a public one")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet, whatever form it is written in."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        within_it = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in NAT64:
            within_it.append(IPv4Address(int(ip) & 0xFFFFFFFF))
        if not all(each.is_global for each in within_it if each is not None):
            return False
    return ip.is_global and not ip.is_multicast


async def read_fhir_pages(
    outside: Outside, server: str, token: str, wanted: Mapping[str, str]
) -> dict[str, tuple[list[Any], bool]]:
    """Read each wanted query below `server`, with further pages: key → resources read, and whether that is all.

    A key that could not be read is left out.
    """

    async def one(first: str) -> tuple[list[Any], bool]:
        pages: list[Any] = []
        url = first
        while url and len(pages) < MOST_PAGES:
            if not within(url, server):
                return pages, False
            try:
                page = await outside.json(url, token)
            except Unreachable:
                return pages, False
            pages.append(page)
            url = _next(page)
        return pages, not url

    answers = await asyncio.gather(*(one(url) for url in wanted.values()))
    return {name: answer for name, answer in zip(wanted, answers, strict=True) if answer[0]}


def _next(page: Any) -> str:
    links = page.get("link") if isinstance(page, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return ""
