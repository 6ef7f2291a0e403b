"""The built site in a browser: `python -m sigmabit.verif.house.site_seen [FOLDER]`, after `mkdocs build`.

Pages of each kind at 400 and at 1,400 pixels, light and dark: nothing may stick out to the right, every picture must be there,
the console stays empty, and nothing is asked of another machine. Screenshots go to FOLDER, if one is named.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

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
    "waves.html",
    "figures.html",
    "examples.html",
    "changelog.html",
    "boards/ulx3s.html",
    "source/examples/library.py.html",
)
"""Some of each kind."""

WIDTHS = (400, 1400)
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
  elsewhere: performance.getEntriesByType('resource').map(each => each.name).filter(name => !name.startsWith('file:')),
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
    opened.get((SITE / page).as_uri())
    looked: dict[str, Any] = opened.execute_script(LOOK)
    return looked, [entry["message"] for entry in opened.get_log("browser") if "search/search_index" not in entry["message"]]


def main(arguments: Sequence[str]) -> None:
    """Look at all of them; exit status 1 if anything is wrong."""
    folder = Path(arguments[0]) if arguments else None
    wrong: list[str] = []
    for width, (scheme, name) in product(WIDTHS, SCHEMES.items()):
        opened = browser(width, scheme)
        try:
            for page in PAGES:
                looked, complaints = seen(opened, page)
                faults = {key: looked[key] for key in ("sticksOut", "missing", "elsewhere") if looked[key]}
                faults |= {"console": complaints} if complaints else {}
                faults |= {"scheme": looked["scheme"]} if looked["scheme"] != name else {}
                faults |= {"empty": looked["text"]} if looked["text"] < 300 else {}
                wrong += [f"{page} at {width}, {scheme}: {faults}"] if faults else []
                if folder:
                    folder.mkdir(parents=True, exist_ok=True)
                    opened.save_screenshot(str(folder / f"{page.replace('/', '_')}_{width}_{scheme}.png"))
        finally:
            opened.quit()
    print("\n".join([*wrong, f"{len(PAGES)} pages, {len(WIDTHS)} widths, {len(SCHEMES)} schemes: {len(wrong)} wrong"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
