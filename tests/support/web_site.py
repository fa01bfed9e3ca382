"""The web service in this process for tests of its pages: a client with the token of its forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from guidelog.web.app import create_app
from guidelog.web.settings import Settings

ROOT = Path(__file__).parents[2]
KB = ROOT / "kb" / "lumbar_radiculopathy"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
ADDRESS = "http://127.0.0.1"


class Page:
    """One browser's view of the service."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def token(self) -> str:
        found = TOKEN.search(self.client.get("/").text)
        assert found is not None
        return found[1]

    def post(self, path: str = "/", *, part: bool = False, **fields: str) -> Any:
        """What a form gives; `f_NAME` in place of `f:NAME`, likewise `s_` and `m_NAME__part`."""
        named = {_name(key): value for key, value in fields.items()}
        data = {"token": self.token(), "patient": "case-1", "as_of": "2025-11-13", **named}
        return self.client.post(path, data=data, headers={"hx-request": "true"} if part else {})

    def load(self, name: str, content: bytes) -> Any:
        return self.client.post("/load", data={"token": self.token()}, files={"file": (name, content)})


def _name(key: str) -> str:
    kind, _, rest = key.partition("_")
    return f"{kind}:{rest.replace('__', ':')}" if kind in ("f", "s", "m", "source") and rest else key


@contextmanager
def site(**settings: Any) -> Iterator[Page]:
    """The service, evaluating in threads."""
    app = create_app(Settings(**{"guideline": str(KB), "workers": 0, "rate": 10_000, "burst": 10_000, **settings}))
    with TestClient(app, base_url=ADDRESS) as client:
        yield Page(client)


def fields_of(html: str) -> dict[str, str]:
    """What a browser would send from the record form of a page."""
    form = html[html.index('<form id="record"') : html.index("</form>", html.index('<form id="record"'))]
    form += "".join(re.findall(r'<input[^>]* form="record"[^>]*>', html.replace(form, "")))
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind, name = attributes.get("type", "text"), attributes.get("name")
        if name is None or (kind in ("radio", "checkbox") and " checked" not in tag):
            continue
        found[name] = _plain(attributes.get("value", ""))
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]+)" selected', options)
        found[name] = chosen[1] if chosen else "exact"
    return found


def _plain(text: str) -> str:
    for code, character in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(code, character)
    return text
