"""What is wrong with a page as a browser shows it? Overflow, errors, breaches of the policy, faint text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from served import PASSWORD

CHROMIUM = shutil.which("chromium")
PHONE = 360

# Every text against what lies behind it: WCAG AA wants 4.5 to 1, of large text 3 to 1.
_FAINT = """() => {
  const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parsed = (text) => {
    const found = (text.match(/[\\d.]+/g) ?? []).map(Number);
    return found.length < 3 ? null : [...found.slice(0, 3), found[3] ?? 1];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parsed(getComputedStyle(at).backgroundColor);
      if (colour && colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const told = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest(".tree-map, .hidden, noscript, script, option, title")) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!box.width || !box.height || style.visibility !== "visible") continue;
    const ink = parsed(element instanceof SVGElement ? style.fill : style.color);
    if (!ink) continue;
    const [one, other] = [light(ink), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      told.add(`${ratio.toFixed(2)}:1 ${element.tagName}.${element.getAttribute("class") ?? ""} `
        + element.textContent.trim().slice(0, 40));
    }
  }
  return [...told].slice(0, 5);
}"""
# Text that a box of a fixed width cuts, where nothing lets one scroll to it.
_CUT = """() => [...document.querySelectorAll("h1, h2, h3, dd, dt, td, th, p, a, button, label, .tag")]
  .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflowX !== "visible" && getComputedStyle(one).overflowX !== "auto")
  .map((one) => `cut: ${one.tagName} ${one.textContent.trim().slice(0, 40)}`).slice(0, 5)"""
# What can be pressed but has no name, fields without a label, pictures without words.
_NAMELESS = """() => {
  const named = (one) => (one.getAttribute("aria-label") || one.textContent || one.title || "").trim();
  const told = [...document.querySelectorAll("a[href], button, summary")]
    .filter((one) => !named(one) && !one.querySelector("title"))
    .map((one) => `no name: ${one.outerHTML.slice(0, 80)}`);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (field.labels?.length || field.getAttribute("aria-label")) continue;
    told.push(`no label: ${field.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) told.push(`id twice: ${id}`);
  const heads = document.querySelectorAll("h1").length;
  if (heads !== 1) told.push(`${heads} headings of the first level`);
  return told.slice(0, 5);
}"""


class Screen:
    """A browser's page that remembers what went wrong."""

    def __init__(self, url: str, page: Any) -> None:
        self.url = url
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda one: self.said.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(f"ran: {dialog.message}"), dialog.dismiss()))

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        """By the form, with the keyboard alone."""
        self.page.goto(f"{self.url}/accounts/login/")
        self.page.keyboard.type(name)  # the first field has the focus
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.url}/")

    def show(self, path: str, expected: int = 200) -> None:
        """Go there and wait until nothing moves any more."""
        answer = self.page.goto(self.url + path)
        if answer.status != expected:
            self.said.append(f"status {answer.status} instead of {expected}")
        if expected != 200:  # Chromium tells of it as an error
            self.said = [one for one in self.said if "Failed to load resource" not in one]
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('[data-chart]')].every("
            "(one) => !one.dataset.chart || one.querySelector('svg, canvas') || one.textContent.trim())",
            timeout=15_000,
        )

    def complaints(self) -> list[str]:
        """What is wrong with what is shown, and what the browser said since it was asked last."""
        width = self.page.viewport_size["width"]
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        found = [f"{wide} px wide on {width}"] if wide > width else []
        for check in (_FAINT, _CUT, _NAMELESS):
            found += self.page.evaluate(check)
        found += self.said
        self.said = []
        return found


@contextmanager
def screens(url: str) -> Iterator[Any]:
    """A function that opens a screen: `open(width, dark, state)`; `state` is that of a session before."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_screen(width: int = 1280, dark: bool = False, state: Any = None) -> Screen:
            context = chromium.new_context(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if dark else "light",
                storage_state=state,
                reduced_motion="reduce",
            )
            return Screen(url, context.new_page())

        try:
            yield open_screen
        finally:
            chromium.close()
