"""The built site in a browser: `python -m sigmabit.verif.house.site_seen [FOLDER]`, after `mkdocs build`.

Every link of every page leads to a page and an anchor that are there. Pages of each kind at 400 and at 1,400 pixels, light and
dark: nothing may stick out to the right, every picture must be there, no drawing may be shrunk, names in tables stay whole, the
console stays empty, nothing is asked of another machine, and the search finds a block. Whole pages go to FOLDER as pictures, if
one is named.
"""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..harness import needs

SITE = Path(__file__).resolve().parents[2] / "build" / "site"

PAGES = (
    "start.html",
    "index.html",
    "api.html",
    "tutorial/first_network.html",
    "tutorial/autoencoder.html",
    "reference/api.html",
    "reference/commands.html",
    "arithmetic/accumulate.html",
    "layers/convolution.html",
    "link/session.html",
    "report.html",
    "waves.html",
    "figures.html",
    "examples.html",
    "changelog.html",
    "boards/ulx3s.html",
    "source/examples/library.py.html",
)
"""Some of each kind."""

WIDTHS = (400, 1400)
TALLEST = 8000
"""Pixels of a page that a screenshot shows."""
SCHEMES = {"light": "default", "dark": "slate"}

LOOK = """
const root = document.scrollingElement;
const wide = [...document.querySelectorAll('.md-content *')].filter(each => {
  const box = each.getBoundingClientRect();
  if (box.right <= innerWidth + 1 || !box.width) return false;
  for (let up = each.parentElement; up; up = up.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return false;
  return true;
}).map(each => each.tagName + ' ' + each.textContent.trim().slice(0, 40));
return {
  sticksOut: root.scrollWidth > innerWidth + 1 ? ['page'] : wide.slice(0, 3),
  missing: [...document.images].filter(each => each.complete && !each.naturalWidth).map(each => each.src),
  shrunk: [...document.images].filter(each => each.src.endsWith('.svg') && each.width < each.naturalWidth).map(each => each.src),
  broken: [...document.querySelectorAll('.md-content td:not(:last-child) code')]
    .filter(each => !/[\\s/-]/.test(each.textContent) && each.getClientRects().length > 1)
    .map(each => each.textContent).slice(0, 3),
  elsewhere: performance.getEntriesByType('resource').map(each => each.name).filter(name => !name.startsWith(location.origin)),
  scheme: document.body.dataset.mdColorScheme,
  text: document.body.innerText.length,
};
"""


def browser(width: int, scheme: str) -> Any:
    """Chromium without a window, of a width, in a scheme."""
    from selenium import webdriver

    program, driver = needs.chromium()
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    preference = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": preference})
    return opened


def seen(opened: Any, page: str) -> tuple[dict[str, Any], list[str]]:
    """What a page looks like, and what the browser complained about."""
    opened.get(page)
    looked: dict[str, Any] = opened.execute_script(LOOK)
    return looked, [entry["message"] for entry in opened.get_log("browser") if "favicon" not in entry["message"]]


def picture(opened: Any, width: int) -> bytes:
    """The page from its top, as a PNG."""
    height = min(opened.execute_script("return document.scrollingElement.scrollHeight"), TALLEST)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    command = {"format": "png", "captureBeyondViewport": True, "clip": clip}
    return base64.b64decode(opened.execute_cdp_cmd("Page.captureScreenshot", command)["data"])


def found(opened: Any, page: str) -> str:
    """The first result of a search for a block."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    opened.get(page)
    opened.find_element(By.TAG_NAME, "body").send_keys("/")
    WebDriverWait(opened, 20).until(lambda at: at.switch_to.active_element.tag_name == "input")
    opened.switch_to.active_element.send_keys("popcount")
    first = WebDriverWait(opened, 20).until(lambda at: at.find_element(By.CSS_SELECTOR, ".md-search-result__item a"))
    return str(first.get_attribute("href"))


class Linked(HTMLParser):
    """Anchors of a page, and what it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of each element."""
        for name, value in attrs:
            if value:
                self.anchors |= {value} if name in ("id", "name") else set()
                self.targets |= {value} if name in ("href", "src") else set()


@cache
def linked(page: Path) -> Linked:
    """A page, read."""
    read = Linked()
    read.feed(page.read_text())
    return read


def dead_links(site: Path) -> list[str]:
    """Links of any page to files or anchors of the site that are not there."""
    dead: list[str] = []
    for page in sorted(site.rglob("*.html")):
        for target in sorted(linked(page).targets):
            url = urlsplit(target)
            if url.scheme or url.netloc or target.startswith("/"):  # elsewhere, or of 404.html, which is shown at any place
                continue
            file = (page.parent / unquote(url.path)).resolve() if url.path else page
            file = file / "index.html" if file.is_dir() else file
            anchor = unquote(url.fragment)
            if not file.exists() or (file.suffix == ".html" and anchor and anchor not in linked(file).anchors):
                dead.append(f"{page.relative_to(site)}: nothing at {target}")
    return dead


class Quiet(SimpleHTTPRequestHandler):
    """The site's files, without a log."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The address of the site on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def looked_through(site: str, width: int, scheme: str, name: str, folder: Path | None) -> list[str]:
    """What is wrong with the pages at a width, in a scheme."""
    wrong: list[str] = []
    opened = browser(width, scheme)
    try:
        for page in PAGES:
            looked, complaints = seen(opened, site + page)
            faults = {key: looked[key] for key in ("sticksOut", "missing", "shrunk", "broken", "elsewhere") if looked[key]}
            faults |= {"console": complaints} if complaints else {}
            faults |= {"scheme": looked["scheme"]} if looked["scheme"] != name else {}
            faults |= {"empty": looked["text"]} if looked["text"] < 300 else {}
            wrong += [f"{page} at {width}, {scheme}: {faults}"] if faults else []
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{page.replace('/', '_')}_{width}_{scheme}.png").write_bytes(picture(opened, width))
        result = found(opened, site + PAGES[0])
        wrong += [] if "popcount" in result else [f"search at {width}, {scheme}: {result}"]
    finally:
        opened.quit()
    return wrong


def main(arguments: Sequence[str]) -> None:
    """Look at all of them; exit status 1 if anything is wrong."""
    folder = Path(arguments[0]) if arguments else None
    wrong = dead_links(SITE)
    with served() as site:
        for width, (scheme, name) in product(WIDTHS, SCHEMES.items()):
            wrong += looked_through(site, width, scheme, name, folder)
    print("\n".join([*wrong, f"{len(PAGES)} pages, {len(WIDTHS)} widths, {len(SCHEMES)} schemes: {len(wrong)} wrong"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
