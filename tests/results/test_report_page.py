"""The report's page in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ganbench.results.loading import Results
from ganbench.results.report import write_report
from tests.results.test_loading import STUDY
from tests.results.test_report import pictures

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Any]]:
    """Open the report in a window of a given width; afterwards check for external requests and errors."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    from playwright.sync_api import sync_playwright

    folder = write_report(Results(STUDY, pictures), tmp_path_factory.mktemp("report"), title="A study")
    complaints: list[str] = []

    def check_request(request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            complaints.append(request.url)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_page(width: int) -> Any:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", check_request)
            page.goto(f"file://{folder / 'report.html'}")
            return page

        yield open_page
        browser.close()
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1400])
def test_page_fits_the_window_width(page_of: Callable[[int], Any], width: int) -> None:
    page = page_of(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_method_can_be_hidden_and_shown_again(page_of: Callable[[int], Any]) -> None:
    page = page_of(1200)
    button = page.locator("button[data-method]").first
    method_class = f".method-{button.get_attribute('data-method')}"
    assert page.locator(f".card{method_class}").is_visible()
    assert page.locator(f".figures {method_class}").first.is_visible()
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert not page.locator(f".card{method_class}").is_visible()
    assert not page.locator(f".figures {method_class}").first.is_visible()
    button.click()
    assert page.locator(f".card{method_class}").is_visible()


def test_slider_switches_between_sample_grids(page_of: Callable[[int], Any]) -> None:
    card = page_of(1200).locator(".card").first
    frame = card.locator(".frame.now").first
    last = frame.get_attribute("src")
    assert card.locator("output").inner_text() == "20"
    card.locator("input[type=range]").fill("0")
    assert card.locator("output").inner_text() == "10"
    assert card.locator(".frame.now").first.get_attribute("src") != last
    card.locator(".play").click()
    step = card.locator("output")
    step.page.wait_for_function("document.querySelector('.card output').textContent === '20'")
    assert card.locator(".frame.now").first.get_attribute("src") == last


def test_tooltip_shows_seed_and_value(page_of: Callable[[int], Any]) -> None:
    page = page_of(1200)
    dot = page.locator("[data-words*='seed']:has(use)").first
    dot.scroll_into_view_if_needed()
    box = dot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
    tip = page.locator("#tip").inner_text()
    assert tip.startswith(dot.get_attribute("data-words"))
    assert re.search(r": \d+$", tip)
    page.mouse.move(2, 2)
    assert page.locator("#tip").is_hidden()


def test_contents_lead_to_sections_that_are_there(page_of: Callable[[int], Any]) -> None:
    page = page_of(1200)
    links = page.locator(".contents a")
    assert links.all_inner_texts()[0] == "Samples"
    assert links.count() == page.locator("main h2").count() > 5
    for link in links.all():
        assert page.locator(f"section{link.get_attribute('href')} h2").inner_text() == link.inner_text()
    inside = page.locator(".gallery a").first.get_attribute("href")
    assert page.locator(f"article{inside}").count() == 1


def test_sentence_of_a_mark_is_read_by_pointer_keyboard_and_touch(page_of: Callable[[int], Any]) -> None:
    page = page_of(390)
    mark = page.locator(".mark").first
    sentence = page.locator(f"#{mark.get_attribute('aria-describedby')}")
    assert not sentence.is_visible()
    mark.scroll_into_view_if_needed()
    mark.hover()
    assert sentence.inner_text() == "fid: no winner: that takes 5 seeds of each, and wgan-gp has 2."
    page.mouse.move(1, 1)
    assert not sentence.is_visible()
    mark.focus()
    assert sentence.is_visible()
    box = sentence.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.keyboard.press("Escape")
    assert not sentence.is_visible()
    context = page.context.browser.new_context(viewport={"width": 390, "height": 900}, has_touch=True, is_mobile=True)
    phone = context.new_page()
    phone.goto(page.url)
    phone.locator(".mark").first.tap()
    assert phone.locator(".says").first.is_visible()
    context.close()


def test_long_name_of_a_method_stays_beside_the_marks(page_of: Callable[[int], Any]) -> None:
    page = page_of(390)
    name = page.locator(".answers tbody th").first
    name.evaluate("cell => cell.textContent = 'minimax · train.generator_learning_rate_at_the_end=0.0001'")
    right = name.evaluate(
        """cell => { const text = document.createRange(); text.selectNodeContents(cell);
                     return text.getBoundingClientRect().right; }"""
    )
    assert right < page.locator(".answers .mark").first.bounding_box()["x"] - 4


def test_columns_sort_by_value_and_real_data_stay_below(page_of: Callable[[int], Any]) -> None:
    page = page_of(1200)
    headings = page.locator(".sortable thead th")
    names = [text.split()[0] for text in headings.all_inner_texts()]
    scores = ["verdict", "fid", "modes", "modes_strict", "hq", "kl"]
    assert names[:8] == ["loss", "arch", *scores], "verdict and scores follow the names"
    fid = names.index("fid")

    def column() -> list[str]:
        return [row.locator("th, td").nth(fid).inner_text() for row in page.locator(".sortable tbody tr").all()]

    for expected in (["4", "20 [10 – 30]", "0.5"], ["20 [10 – 30]", "4", "0.5"]):
        headings.nth(fid).locator("button").click()
        assert column() == expected
    assert headings.nth(fid).get_attribute("aria-sort") == "descending"


def test_table_is_complete_without_scripts(page_of: Callable[[int], Any]) -> None:
    browser = page_of(1200).context.browser
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_of(1200).url)
    assert page.locator(".sortable tbody tr").count() == 3
    assert page.locator(".sort").count() == 0
    page.locator(".mark").first.hover()
    assert page.locator(".says").first.is_visible()
    context.close()


def test_metrics_link_to_their_documentation(page_of: Callable[[int], Any]) -> None:
    links = {link.get_attribute("href") for link in page_of(1200).locator(".sortable th a").all()}
    anchors = set((Path(__file__).parents[2] / "docs/metrics.md").read_text(encoding="utf-8").split("\n### ")[1:])
    names = {anchor.partition("\n")[0] for anchor in anchors}
    assert links
    assert all(link.partition("#")[2] in names for link in links)


def test_text_of_figures_can_be_read_on_a_phone(page_of: Callable[[int], Any]) -> None:
    page = page_of(390)
    sizes = page.evaluate(
        """() => [...document.querySelectorAll(".figures svg text")].map(
            (text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
    )
    assert len(sizes) > 20
    # The exponents of powers of ten are smaller.
    assert sorted(sizes)[len(sizes) // 10] >= 9
    assert min(sizes) >= 6
