"""A real browser on a real server, and what every page of it must never do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a Chromium; Django must be told that its loop is none of ours."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


Cookie = str
Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Visit:
    """Return a function that opens a page and fails when it asks another host or breaks its policy."""

    @contextmanager
    def open_page(
        path: str,
        *,
        javascript: bool = True,
        dark: bool = False,
        width: int = 1280,
        cookie: Cookie = "",
        refused: bool = False,
    ) -> Iterator[Page]:
        context = browser.new_context(
            java_script_enabled=javascript,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
        )
        if cookie:
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{live_server.url}{path}")
        yield page
        context.close()
        assert [one for one in complaints if not (refused and "the server responded with a status of 40" in one)] == []
        assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []

    return open_page
