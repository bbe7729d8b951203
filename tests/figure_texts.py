"""What tests of figures share: our style around each of them, and reading what a figure says."""

import io

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from colorstyle_lib import paths


@pytest.fixture(autouse=True)
def house_style():
    with plt.style.context(paths.STYLE_FILE):
        yield


def texts(figure: Figure) -> list[str]:
    """Everything written in a figure; writing it also proves that it can be drawn."""
    figure.savefig(io.BytesIO(), format="png")
    return [t.get_text() for t in figure.findobj(plt.Text) if t.get_text()]
