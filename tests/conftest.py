"""What all tests share. It must not import colorstyle_lib, whose shapes are hooked for checking first."""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# Before anything imports pyplot, in this process or in one that a test starts.
os.environ["MPLBACKEND"] = "Agg"

NEEDS_DATA = "needs real images: set COLORSTYLE_DATA to a folder with train/ and val/ pictures"

# No deadline: busy cores stretch any time. The same examples every time in CI, where a failure must repeat.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

pytest.register_assert_rewrite("pictures")  # so that its failures show values, as those of a test file do


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``data`` where there is none, and say why."""
    if os.environ.get("COLORSTYLE_DATA"):
        return
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=NEEDS_DATA))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Keep torch to one thread: tests are small, and threads that wait for each other on a busy machine are slow."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def data_root() -> Path:
    """The folder of real images."""
    folder = os.environ.get("COLORSTYLE_DATA")
    if not folder:
        pytest.skip(NEEDS_DATA)
    return Path(folder).resolve()


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and none of our variables set."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLORSTYLE_DATA", "COLORSTYLE_MODE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def ramp() -> np.ndarray:
    """A picture without any symmetry, smooth enough to survive JPEG."""
    from pictures import HEIGHT, WIDTH

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = (x * 255 / (WIDTH - 1), y * 255 / (HEIGHT - 1), (x + y) * 255 / (WIDTH + HEIGHT - 2))
    return np.stack(planes, -1).round().astype(np.uint8)
