"""Widgets as a person uses them: JupyterLab on this machine's loopback, driven by Chromium."""

import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import nbformat
import numpy as np
import pytest
from PIL import Image

from colorstyle_lib.course.gallery import frame
from colorstyle_lib.inference.colorstyle import released_card

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "09_explore.ipynb"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RUNNING = "[...document.querySelectorAll('.jp-InputPrompt')].some(p => /[*0-9]/.test(p.textContent))"
SHOTS = os.environ.get("COLORSTYLE_SCREENSHOTS")  # a folder to keep screenshots in, for people to look at
TIMEOUT = 240_000  # milliseconds for what needs the kernel, on a machine that runs other tests too
SLIDERS = """
from matplotlib.figure import Figure
from colorstyle_lib.course.widgets import Sliders
def bar(height=1):
    figure = Figure(figsize=(2, 2))
    figure.subplots().bar([0], [6 / (4 - height)])
    return figure
Sliders(bar, height=(0, 4, 1))
"""

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
if CHROMIUM is None:
    assert os.environ.get("COLORSTYLE_BROWSER") != "required", "Chromium is missing, and may not be here"
    pytest.skip("needs Chromium: apt-get install chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the notebook in a JupyterLab of its own, with a token."""
    folder, token = tmp_path_factory.mktemp("lab"), secrets.token_hex(16)
    shutil.copy(NOTEBOOK, folder)
    sliders = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLIDERS)])
    sliders.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(sliders, folder / "sliders.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    variables = {f"JUPYTER_{name}": str(folder / name) for name in own}
    variables |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")}
    variables |= {"IPYTHONDIR": str(folder / "ipython"), "COLORSTYLE_MODE": "smoke"}
    variables["PYTHONPATH"] = str(NOTEBOOK.parent.parent)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    # No questions whether a slow start should be given up, and about news; no file saved behind a slow page's back.
    without = {"@jupyterlab/apputils-extension:splash": True}
    settings = {
        "CONFIG_DIR/labconfig/page_config.json": {"disabledExtensions": without},
        "SETTINGS/@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false"},
        "SETTINGS/@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
    }
    for name, values in settings.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(json.dumps(values))
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | variables, start_new_session=True)
    try:
        for _ in range(240):
            assert server.poll() is None, (folder / "log").read_text()
            try:
                urlopen(f"http://127.0.0.1:{port}/api?token={token}", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/doc/tree/{NOTEBOOK.name}?token={token}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # with its kernels: the group is this server's own
        server.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def answer(dialog) -> None:
    """Answer what a slow start makes JupyterLab ask; any other dialog is printed, and ends the page and so the test."""
    text = dialog.inner_text()
    print("JupyterLab's dialog:", text)
    for name in ("Select Kernel", "Keep Waiting"):
        if dialog.get_by_role("button", name=name).count():
            return dialog.get_by_role("button", name=name).click()
    dialog.page.close()


def run_all(browser, address: str) -> object:
    """The page of a notebook after "Run All Cells"."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(TIMEOUT)
    page.add_locator_handler(page.locator(".jp-Dialog"), answer)
    page.goto(address)
    sync_api.expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text("Python 3", timeout=TIMEOUT)
    idle = page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    sync_api.expect(idle).to_be_attached(timeout=TIMEOUT)
    for _ in range(8):  # JupyterLab still drops the command for a moment
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            page.wait_for_function(RUNNING, timeout=30_000)
            break
        except sync_api.TimeoutError:
            page.keyboard.press("Escape")
    return page


@pytest.fixture(scope="module")
def page(lab: str, browser) -> object:
    """Notebook 09 with its five panels."""
    page = run_all(browser, lab)
    # Attached, not visible: cells outside of the window are not drawn.
    page.get_by_text("ColorStyle.load().colorize(photograph").first.wait_for(state="attached")
    for panel in range(5):
        settled(page, panel)
    return page


def canvas(page, panel: int):
    return page.locator(".cs-panel").nth(panel).locator(".cs-canvas")


def pixels(page, panel: int) -> np.ndarray:
    """What the canvas of a panel holds, as an array of float."""
    data = canvas(page, panel).evaluate(
        "c => new Promise(done => c.toBlob(async b => done([...new Uint8Array(await b.arrayBuffer())])))"
    )
    return np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGB"), float)


def settled(page, panel: int) -> np.ndarray:
    """The pixels once the panel has a picture and does not compute."""
    canvas(page, panel).scroll_into_view_if_needed()
    page.wait_for_function(
        """n => { const p = document.querySelectorAll('.cs-panel')[n]; const c = p?.querySelector('canvas');
        return c && c.width > 64 && c.dataset.mode && !p.querySelector('.cs-busy').textContent; }""",
        arg=panel,
    )
    return pixels(page, panel)


def changed(page, panel: int, before: np.ndarray, act: Callable[[], object]) -> np.ndarray:
    """Act, wait until other pixels are there, and return by how much each changed, ``(h, w)``."""
    act()
    limit = time.monotonic() + TIMEOUT / 1000
    while time.monotonic() < limit:
        now = settled(page, panel)
        if now.shape == before.shape and not np.array_equal(now, before):
            return np.abs(now - before).mean(2)
        page.wait_for_timeout(100)
    pytest.fail("the picture did not change")


def shoot(page_or_part, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page_or_part.screenshot(path=f"{SHOTS}/{name}.png")


def panel_of(page, number: int):
    return page.locator(".cs-panel").nth(number)


def slide(page, panel: int, name: str, keys: str) -> None:
    """Move a slider by the keyboard."""
    handle = panel_of(page, panel).locator(".widget-slider", has_text=name).first.get_by_role("slider")
    handle.press(keys)  # not focus and then a key: a cell that is drawn anew in between takes the focus away


def test_a_hint_by_mouse_colors_its_neighborhood_and_undo_takes_it_back(page):
    before = settled(page, 0)
    box = canvas(page, 0).bounding_box()
    x, y = 0.3, 0.6
    change = changed(
        page, 0, before, lambda: page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    )
    shoot(page, "colorize-hint")
    shoot(panel_of(page, 0), "explore")  # the README shows it
    height, width = change.shape
    near = change[round(y * height) - 8 : round(y * height) + 8, round(x * width) - 8 : round(x * width) + 8].mean()
    assert near > 10
    assert near > 3 * np.median(change)
    pin = panel_of(page, 0).locator(".cs-pin")
    assert pin.count() == 1
    assert "#b5302a" in pin.get_attribute("aria-label")
    hinted = settled(page, 0)
    changed(page, 0, hinted, lambda: panel_of(page, 0).get_by_role("button", name="undo").click())
    assert np.array_equal(settled(page, 0), before)
    assert pin.count() == 0


def test_a_pin_moves_with_the_keyboard_and_goes_with_delete(page):
    before = settled(page, 0)
    box = canvas(page, 0).bounding_box()
    changed(page, 0, before, lambda: page.mouse.click(box["x"] + 40, box["y"] + 40))
    pin = panel_of(page, 0).locator(".cs-pin")
    label = pin.get_attribute("aria-label")
    pin.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelector('.cs-pin').ariaLabel !== old", arg=label)
    moved = settled(page, 0)
    pin.focus()
    changed(page, 0, moved, lambda: page.keyboard.press("Delete"))
    assert pin.count() == 0


def test_saturation_zero_is_gray_and_the_divider_shows_the_picture_before(page):
    before = settled(page, 0)
    assert np.ptp(before, axis=2).max() > 20
    changed(page, 0, before, lambda: slide(page, 0, "saturation", "Home"))
    assert np.ptp(settled(page, 0), axis=2).max() <= 3
    changed(page, 0, settled(page, 0), lambda: panel_of(page, 0).get_by_role("button", name="undo").click())
    divider = panel_of(page, 0).locator(".cs-divider input")
    divider.fill("50")
    half = settled(page, 0)
    left, right = np.split(np.ptp(half, axis=2), [half.shape[1] // 2 - 3], axis=1)
    assert left.max() <= 3
    assert np.array_equal(right[:, 6:], np.ptp(before, axis=2)[:, half.shape[1] // 2 + 3 :])
    shoot(page, "colorize-divider")
    divider.fill("0")


def test_a_seed_from_the_strip(page):
    before = settled(page, 0)
    seeds = panel_of(page, 0).get_by_role("radio")
    assert seeds.count() == 9
    changed(page, 0, before, lambda: seeds.nth(4).click())
    assert seeds.nth(4).get_attribute("aria-checked") == "true"


def test_another_style_and_strength_zero_is_the_photograph(page):
    before = settled(page, 1)
    styles = panel_of(page, 1).get_by_role("radio")
    change = changed(page, 1, before, lambda: styles.nth(6).click())
    shoot(page, "style")
    assert change.mean() > 4
    changed(page, 1, settled(page, 1), lambda: slide(page, 1, "strength", "Home"))
    unchanged = settled(page, 1)
    panel_of(page, 1).locator(".cs-divider input").fill("100")
    assert np.abs(settled(page, 1) - unchanged)[:, :-3].max() <= 2
    panel_of(page, 1).locator(".cs-divider input").fill("0")
    changed(page, 1, settled(page, 1), lambda: panel_of(page, 1).get_by_role("button", name="undo").click())


def stroke(page, panel: int) -> None:
    """Brush from left to right over a third of the picture, at a third of its height."""
    box = canvas(page, panel).bounding_box()
    first, *rest = [(box["x"] + part * box["width"], box["y"] + 0.3 * box["height"]) for part in (0.1, 0.2, 0.3)]
    page.mouse.move(*first)
    page.mouse.down()
    for point in rest:
        page.mouse.move(*point)
    page.mouse.up()


def after_a_stroke(page, panel: int, label: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What a panel shows after a stroke of its brush, and the photograph before."""
    mode = f"document.querySelectorAll('.cs-canvas')[{panel}].dataset.mode"
    panel_of(page, panel).get_by_label(label).check()
    page.wait_for_function(f"{mode} === 'brush'")
    stroke(page, panel)
    page.wait_for_function(f"[...document.querySelectorAll('.cs-panel textarea')][{panel}].value.includes('mask=')")
    settled(page, panel)
    shoot(panel_of(page, panel), name)
    panel_of(page, panel).get_by_label(label).uncheck()
    page.wait_for_function(f"{mode} === 'look'")
    after = settled(page, panel)
    panel_of(page, panel).locator(".cs-divider input").fill("100")
    before = settled(page, panel)
    panel_of(page, panel).locator(".cs-divider input").fill("0")
    return after, before


def test_a_brushed_mask_keeps_the_rest_of_the_photograph(page):
    everywhere = settled(page, 1)
    masked, photograph = after_a_stroke(page, 1, "brush where", "style-mask")
    half = masked.shape[1] // 2
    assert np.abs(masked - photograph)[:, half:-4].max() <= 2  # nothing was brushed there
    row, column = round(0.3 * masked.shape[0]), round(0.2 * masked.shape[1])
    brushed = (slice(row - 5, row + 5), slice(column - 5, column + 5))
    assert np.abs(masked - everywhere)[brushed].max() <= 2
    assert np.abs(masked - photograph)[brushed].mean() > 2


def test_attention_by_hand_changes_the_picture_and_equalize_the_sliders(page):
    before = settled(page, 2)
    changed(page, 2, before, lambda: slide(page, 2, "color", "Home"))
    learned = panel_of(page, 2).get_by_label("as learned")
    assert not learned.is_checked()
    shoot(page, "attention")
    changed(page, 2, settled(page, 2), lambda: learned.check())
    assert np.array_equal(settled(page, 2), before)
    changed(page, 2, before, lambda: panel_of(page, 2).get_by_role("button", name="equalize").click())
    shown = panel_of(page, 2).get_by_label("show")
    changed(page, 2, settled(page, 2), lambda: shown.select_option("texture at 1/8"))
    shoot(page, "attention-map")


def test_a_mistake_is_one_line_in_the_panel(page):
    for name in ("color", "texture", "shape"):
        slide(page, 2, name, "Home")
        page.wait_for_timeout(200)
    alert = panel_of(page, 2).get_by_role("alert")
    alert.wait_for()
    assert "attention" in alert.inner_text()
    assert "\n" not in alert.inner_text()


def test_a_brushed_hole_is_filled_and_undo_takes_the_brush_back(page):
    shoot(panel_of(page, 3), "repair")
    for name in ("details", "tones", "color"):
        panel_of(page, 3).get_by_label(name, exact=True).uncheck()
    line = "[...document.querySelectorAll('.cs-panel textarea')][3].value"
    page.wait_for_function(f"{line}.includes(\"skip=('details', 'tones', 'color')\")")
    before = settled(page, 3)
    filled, given = after_a_stroke(page, 3, "brush holes", "repair-mask")
    change = np.abs(filled - given).mean(2)
    row, column = round(0.3 * change.shape[0]), round(0.2 * change.shape[1])
    assert change[row - 3 : row + 3, column - 8 : column + 8].mean() > 2
    assert change[: row // 2, :-4].max() == 0  # nothing was brushed there, and the divider is at the right
    changed(page, 3, filled, lambda: panel_of(page, 3).get_by_role("button", name="undo").click())
    assert np.array_equal(settled(page, 3), before)
    panel_of(page, 3).get_by_role("button", name="find scratches").click()
    page.wait_for_function(f"{line}.includes('mask=')")
    page.wait_for_function("document.querySelectorAll('.cs-canvas')[3].dataset.mode === 'brush'")
    orange = settled(page, 3) - before
    assert (orange[..., 0] - orange[..., 2] > 30).sum() > 100  # the mask that was found lies over the picture
    shoot(panel_of(page, 3), "repair-found")


@pytest.mark.skipif(not released_card()["generator"]["scenes"], reason="the released weights make no scenes")
def test_a_clicked_scene_brings_others_near_it_and_a_walk(page):
    before = settled(page, 4)
    grid = panel_of(page, 4).locator(".cs-grid").get_by_role("radio")
    assert grid.count() == 6
    shoot(panel_of(page, 4), "scenes")
    pictures = """group => [...group.querySelectorAll('img')].map(image => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
        canvas.getContext('2d').drawImage(image, 0, 0, 32, 32);
        return canvas.toDataURL();
    })"""
    new = panel_of(page, 4).locator(".cs-grid").evaluate(pictures)
    chosen = changed(page, 4, before, lambda: grid.nth(2).click())
    assert chosen.mean() > 4
    panel_of(page, 4).locator(".cs-grid").get_by_title("toward 3").wait_for()
    near = panel_of(page, 4).locator(".cs-grid").evaluate(pictures)
    assert near[0] == new[2]
    assert not set(near[1:]) & set(new)
    assert panel_of(page, 4).get_by_label("seed", exact=True).input_value() == "2"
    changed(page, 4, settled(page, 4), lambda: grid.nth(3).click())
    steps = panel_of(page, 4).get_by_role("radiogroup", name="walk").get_by_role("radio")
    assert steps.count() == 7
    assert steps.nth(2).get_attribute("aria-checked") == "true"
    shoot(panel_of(page, 4), "scenes-walk")
    changed(page, 4, settled(page, 4), lambda: steps.nth(4).click())
    changed(page, 4, settled(page, 4), lambda: slide(page, 4, "truncation", "Home"))


def test_the_button_python_shows_the_line(page):
    panel_of(page, 0).get_by_role("button", name="Python").click()
    line = panel_of(page, 0).locator("textarea")
    line.wait_for(state="visible")
    assert line.input_value().startswith('ColorStyle.load().colorize(photograph("coffee").open()')


def test_a_narrow_window_shows_whole_panels(page):
    page.set_viewport_size({"width": 480, "height": 900})
    for number in range(5):
        settled(page, number)
        shoot(page, f"narrow-{number}")
        box, view = panel_of(page, number).bounding_box(), page.viewport_size
        assert box["x"] >= 0
        for inner in (canvas(page, number), panel_of(page, number).get_by_role("button", name="save")):
            inside = inner.bounding_box()
            assert inside["x"] >= box["x"] - 1
            assert inside["x"] + inside["width"] <= min(view["width"], box["x"] + box["width"] + 1)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_sliders_work_in_a_page_that_has_no_kernel(browser):
    page = browser.new_page(viewport={"width": 500, "height": 500})
    colors = {name: Image.new("RGB", (90, 60), name) for name in ("red", "green", "blue")}
    page.set_content(frame(Image.new("RGB", (90, 60), "white"), colors))
    inner = page.frame_locator("iframe")
    inner.get_by_label("settings", exact=True).press("ArrowRight")
    assert inner.locator("output").inner_text() == "green"
    inner.get_by_label("before | after").fill("50")
    box = inner.locator(".pair").bounding_box()
    shown = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB"), int)
    height, width = shown.shape[:2]
    assert (shown[height // 2, width // 4] > 240).all()
    assert np.abs(shown[height // 2, 3 * width // 4] - (0, 128, 0)).max() < 12
    assert inner.locator("body").evaluate("body => body.scrollHeight <= body.ownerDocument.defaultView.innerHeight")
    shoot(page, "without-a-kernel")


def test_sliders_of_a_notebook_draw_anew_by_keyboard_and_keep_the_picture_on_an_error(lab, browser):
    page = run_all(browser, lab.replace(NOTEBOOK.name, "sliders.ipynb"))
    shown = page.locator(".widget-interact img")
    shown.wait_for()
    assert page.locator(".jp-OutputArea-output img").count() == 1  # the sheet is for readers elsewhere
    handle, pictures, sizes = page.get_by_role("slider"), {shown.get_attribute("src")}, set()
    for height in (2, 3):
        handle.press("ArrowRight")
        page.wait_for_function("n => document.querySelector('.widget-interact img')?.alt === `height ${n}`", arg=height)
        pictures.add(shown.get_attribute("src"))
        sizes.add((shown.bounding_box()["width"], shown.bounding_box()["height"]))
    shoot(page, "sliders")
    assert len(pictures) == 3
    assert sizes == {(200, 200)}
    handle.press("ArrowRight")
    alert = page.locator(".widget-interact").get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "⚠ ZeroDivisionError: division by zero"
    assert shown.get_attribute("alt") == "height 3"
