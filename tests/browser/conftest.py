"""A real browser, headless and without a network, that these tests look at pages with.

They need Chromium, its driver and selenium, and are left out where one is missing. With the environment
variable ``DAWNLIGHT_SCREENSHOTS`` set to a folder, what the browser saw is kept there.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CONTRAST = """
const [selector] = arguments;
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
function parse(text) {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}
function over(top, below) {
  const a = top[3] + below[3] * (1 - top[3]);
  return [0, 1, 2].map(k => (top[k] * top[3] + below[k] * below[3] * (1 - top[3])) / (a || 1)).concat([a]);
}
function ratio(element) {
let paper = [0, 0, 0, 0], opacity = 1;
for (let at = element; at; at = at.parentElement) {
  const style = getComputedStyle(at);
  paper = over(paper, parse(style.backgroundColor));
  opacity *= parseFloat(style.opacity);
}
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
const scheme = getComputedStyle(document.documentElement).colorScheme;
paper = over(paper, dark && scheme.includes('dark') ? [18, 18, 18, 1] : [255, 255, 255, 1]);
const ink = parse(getComputedStyle(element).color);
ink[3] *= opacity;
const light = color => {
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = color.slice(0, 3).map(c => linear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const [one, two] = [light(over(ink, paper)), light(paper)].sort((a, b) => b - a);
return (one + 0.05) / (two + 0.05);
}
return [...document.querySelectorAll(selector)].filter(each => each.checkVisibility()).map(ratio);
"""


class Browser:
    """Opens pages, and says what went wrong in them and how they look."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self.folder = folder

    def open(self, url: str | Path, *, dark: bool = False, size: tuple[int, int] = (1000, 800)) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get_log("browser")  # what earlier pages said
        self.driver.get(url.as_uri() if isinstance(url, Path) else url)

    def errors(self) -> list[str]:
        """What the console complains about."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def find(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + 30
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} did not come; the console says {self.errors()}"
            time.sleep(0.05)
        return found

    def screenshot(self, name: str, *, whole: bool = False) -> Path:
        if whole:
            height = self.run("return Math.min(document.documentElement.scrollHeight, 6000)")
            width = self.run("return document.documentElement.clientWidth")
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        path = self.folder / f"{name}.png"
        assert self.driver.save_screenshot(str(path))
        return path

    def contrast(self, selector: str) -> float:
        """The lowest contrast of text with what is behind it (WCAG; 4.5 is enough for small text)."""
        ratios = self.run(CONTRAST, selector)
        assert ratios, f"nothing on the page is {selector}"
        return float(min(ratios))

    def press(self, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not sys.platform.startswith("linux"):
        pytest.skip("written for Chromium on Linux")
    program, driver_program = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver_program is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (extra dev)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        "--headless=new",
        "--no-sandbox",  # CI runs as root; the pages are our own
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--allow-file-access-from-files",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver_program)
    driver = webdriver.Chrome(options=options, service=service)
    kept = os.environ.get("DAWNLIGHT_SCREENSHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield Browser(driver, folder)
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The demo catalog, small."""
    from dawnlight.tutorial import demo_catalog

    with demo_catalog(tmp_path_factory.mktemp("demo") / "demo", size=256, scenes=8, progress=False) as client:
        yield client


@pytest.fixture(scope="session")
def stack(demo: Any) -> Any:
    """A lazy stack of the dates of one place."""
    from dawnlight.catalog import Image
    from dawnlight.geo import AOI

    images = Image.search(client=demo).sort("acquired").collect()
    context = AOI(geometry=images[0].geometry, crs="EPSG:32631", resolution=40)
    return images.stack("blue green red nir scl", geocontext=context)
