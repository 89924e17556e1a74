"""A real Chromium before a real server, with everything noted that must not happen."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from stack.native.tools import Tool

ROOT = Path(__file__).parents[2]
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@contextmanager
def chromium(tool: Tool) -> Iterator[Browser]:
    """A headless browser of the system's, which asks nobody for updates."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(tool.path), args=list(FLAGS), env={**os.environ, **tool.env}
        )
        yield browser
        browser.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The app of tests.webapp.serving over a folder's store, served by granian on a free loopback port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    command += ["--blocking-threads", "2", "--no-ws", "--factory", "tests.webapp.serving:app"]
    log = (folder / "granian.log").open("wb")
    server = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "TRIVET_TEST_FOLDER": str(folder)}, stdout=log, stderr=log
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/healthz", server, folder / "granian.log")
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(5)
        log.close()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                json.load(answer)
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@dataclass
class Visit:
    """One tab, and what it complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What the Content-Security-Policy had to stop."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def overflow(self) -> int:
        """Pixels that the page is wider than its window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return wider

    def until(self, condition: str) -> None:
        """Wait until an expression holds: Playwright waits by evaluating text in the page, which the CSP forbids."""
        deadline = time.monotonic() + 10
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"never true: {condition}"
            self.page.wait_for_timeout(50)

    def drawn(self, chart: str) -> bool:
        """Wait until a chart is there."""
        self.page.wait_for_selector(
            f"#p-{chart} .main-svg .scatterlayer path.js-line", state="attached", timeout=10_000
        )
        return True


@contextmanager
def visit(browser: Browser, width: int = 1440, theme: str = "light") -> Iterator[Visit]:
    """A tab of this width and theme."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=width < 500,
        accept_downloads=True,
    )
    context.add_init_script(WATCH)
    page = context.new_page()
    made = Visit(page)

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            made.complaints.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            made.elsewhere.append(request.url)

    page.on("console", said)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("request", asked)
    yield made
    context.close()
