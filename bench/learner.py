"""A learner's browser, as far as the server sees it: one connection kept alive, cookies, a cache.

It runs beside the server that it measures, so it is kept small; bytes are counted on the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from urllib.parse import urlencode

import brotli

TIMEOUT = 60.0  # seconds for one answer of the server
FILES = frozenset({"stylesheet", "icon", "manifest", "prefetch"})  # links that a browser follows


@dataclass
class Form:
    """``fields``: as somebody would send them who fills in everything with the first choice."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """The forms of a page and the files it asks for."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.forms: list[Form] = []
        self.files: list[str] = []
        self._select = ""
        self._selects = count()
        self._rank = 0
        self.feed(text)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in pairs}
        if (tag == "link" and FILES & set(given.get("rel", "").split())) or tag in (
            "script", "img",
        ):  # fmt: skip
            address = given.get("href") or given.get("src") or ""
            if address.startswith("/"):
                self.files.append(address)
        elif tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        fields, name = self.forms[-1].fields, given.get("name", "")
        if tag == "select":
            self._select, self._rank = name, next(self._selects)
        elif tag == "option" and given.get("value") and self._rank >= 0:
            # The first list takes its first option, the second its second: ranks must differ.
            fields[self._select] = given["value"]
            self._rank -= 1
        elif tag == "input" and name:
            kind = given.get("type", "text")
            if kind == "text":
                fields[name] = "1" if given.get("inputmode") == "decimal" else "réponse"
            else:
                fields.setdefault(name, given.get("value", ""))

    def form(self, part: str) -> Form:
        """The first form whose address holds ``part``, or that has a field of that name."""
        for one in self.forms:
            if part in one.fields or (part and part in one.action):
                return one
        raise AssertionError(f"no form {part!r} in: {self.text[:2000]}")

    @property
    def number(self) -> int:
        """Number of the question on screen, 0 when there is none."""
        return next((int(one.fields["n"]) for one in self.forms if "n" in one.fields), 0)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def page(self) -> Page:
        coded = self.headers.get("content-encoding") == "br"
        return Page((brotli.decompress(self.body) if coded else self.body).decode())


class Browser:
    """``bytes``: headers and bodies received; ``requests``: answers received."""

    def __init__(self, port: int, *, files: bool = False) -> None:
        self.port, self.with_files = port, files
        self.cookies: dict[str, str] = {}
        self.cached: set[str] = set()
        self.bytes = self.requests = self.reconnected = 0
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            with contextlib.suppress(OSError):
                await self.writer.wait_closed()
        self.reader = self.writer = None

    async def get(self, path: str) -> Page:
        return await self._follow(await self.ask("GET", path))

    async def post(self, path: str, fields: dict[str, str]) -> Page:
        return await self._follow(await self.ask("POST", path, fields))

    async def _follow(self, answer: Answer) -> Page:
        while answer.status in (301, 302, 303):
            answer = await self.ask("GET", answer.headers["location"])
        if answer.status != 200:
            raise AssertionError(f"{answer.status}: {answer.page.text[:2000]}")
        page = answer.page
        for address in page.files if self.with_files else ():
            if address not in self.cached:
                got = await self.ask("GET", address)
                assert got.status == 200, (address, got.status)
                self.cached.add(address)
        return page

    async def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Answer:
        """One request and its answer; sent again once when an idle connection had been closed."""
        body = urlencode(fields or {}).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}"]
        lines += ["Accept-Encoding: gzip, deflate, br", "Accept: text/html,*/*;q=0.8"]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if method == "POST":
            lines.append("Content-Type: application/x-www-form-urlencoded")
            lines.append(f"Content-Length: {len(body)}")
        sent = "\r\n".join([*lines, "", ""]).encode() + (body if method == "POST" else b"")
        reused = self.writer is not None
        try:
            answer = await asyncio.wait_for(self._exchange(sent), TIMEOUT)
        except (ConnectionError, asyncio.IncompleteReadError):
            if not reused:
                raise
            await self.close()
            self.reconnected += 1
            answer = await asyncio.wait_for(self._exchange(sent), TIMEOUT)
        for line in answer.cookies:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer

    async def _exchange(self, sent: bytes) -> Answer:
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(sent)
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        pairs = [(name.lower(), value) for name, _, value in (x.partition(": ") for x in lines)]
        headers = dict(pairs)
        body = b""
        if length := int(headers.get("content-length", "0")):
            body = await self.reader.readexactly(length)
        elif headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        self.bytes += len(head) + len(body)
        self.requests += 1
        if headers.get("connection") == "close":
            await self.close()
        cookies = [value for name, value in pairs if name == "set-cookie"]
        return Answer(int(first.split()[1]), headers, cookies, body)

    async def _chunks(self) -> bytes:
        assert self.reader is not None
        parts = list[bytes]()
        while True:
            line = await self.reader.readline()
            part = await self.reader.readexactly(int(line, 16) + 2)
            self.bytes += len(line) + 2
            if len(part) == 2:
                return b"".join(parts)
            parts.append(part[:-2])
