"""A browser without a screen; where there is none, one line says what to install."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait


class Browser(webdriver.Chrome):
    """One that has read a page to its end before anything is asked of it.

    Chromium's driver comes back before that on a busy machine, where a page is long.
    """

    def get(self, url: str) -> None:
        super().get(url)
        there = "return location.href === arguments[0] && document.readyState === 'complete'"
        WebDriverWait(self, 60).until(lambda _: self.execute_script(there, url))


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail("no browser: install Debian's chromium and chromium-driver", pytrace=False)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--force-device-scale-factor=1"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        # Chromium's sandbox refuses to be root's.
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        opened = Browser(options=options, service=Service(driver))
    except WebDriverException as error:
        pytest.fail(f"the browser does not start: {str(error).splitlines()[0]}", pytrace=False)
    yield opened
    opened.quit()
