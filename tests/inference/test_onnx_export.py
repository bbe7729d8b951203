"""What leaves torch's own interpreter: ONNX files at sizes that the export never saw, and compiled graphs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import jaxtyping
import pytest
import torch
from skimage import data

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import PRESETS, get_preset
from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.onnx_export import export_onnx
from colorstyle_lib.model.content import content_planes
from colorstyle_lib.model.generator import Generator


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Tracers cannot look into the shape checks that tests switch on; users have none."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def as_after_training(name: str) -> ColorStyle:
    """The released weights, or new ones whose parts that start at 0, where nothing could go wrong, do not."""
    if name == "companion":
        return ColorStyle.load(device="cpu")
    torch.manual_seed(0)
    generator = Generator(get_preset(name).generator)
    for weights in generator.parameters():
        if not weights.any():
            weights.data = 0.2 * torch.randn(weights.shape)
    return ColorStyle(generator, "abc", torch.device("cpu"))


def photograph(image, n: int, height: int, width: int) -> torch.Tensor:
    """Crops ``(n, 3, height, width)`` of a photograph, in Lab."""
    pixels = torch.from_numpy(image).movedim(-1, 0) / 255
    return rgb_to_lab(torch.stack([pixels[:, 40 * i :, 90:][:, :height, :width] for i in range(n)]))


def hinted(lab: torch.Tensor) -> torch.Tensor:
    """L everywhere, and the color of two small squares."""
    known = torch.zeros_like(lab[:, :1], dtype=torch.bool)
    known[..., 8:12, 20:24] = known[..., 33:37, 40:44] = True
    return content_planes(lab, torch.ones_like(known), known)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", PRESETS)
def test_an_onnx_file_colors_as_the_generator_does(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="writing ONNX needs the extra 'export'")
    runtime = pytest.importorskip("onnxruntime", reason="running ONNX needs the extra 'export'")
    model = as_after_training(name)
    generator = model.generator
    session = runtime.InferenceSession(export_onnx(model, tmp_path / "model.onnx"))
    told = session.get_modelmeta().custom_metadata_map
    assert (told["weights_sha256"], int(told["step"])) == (model.weights_hash, generator.step)
    assert json.loads(told["generator"]) == json.loads(json.dumps(asdict(generator.config)))

    def differ(lab: torch.Tensor, reference: torch.Tensor, z: torch.Tensor) -> None:
        gray = content_planes(lab, torch.ones_like(lab[:, :1]), torch.zeros_like(lab[:, :1]))
        no_reference, no_z = reference.new_zeros(len(lab), 3, generator.step, generator.step), torch.zeros_like(z)
        alone = generator(gray)
        for content, guide, noise in (
            (gray, None, None),
            (gray, reference, None),
            (gray, None, z),
            (hinted(lab), None, None),
            (hinted(lab), reference, z),
        ):
            expected = generator(content, generator.describe_reference(guide) if guide is not None else None, noise)
            # What is told has its say, or there would be nothing to compare.
            assert (content is gray and guide is noise) or (expected - alone).abs().max() > 0.1
            inputs = {
                "content": content,
                "reference": guide if guide is not None else no_reference,
                "z": noise if noise is not None else no_z,
            }
            (found,) = session.run(["ab"], {key: value.numpy() for key, value in inputs.items()})
            # Sums of float32 in another order: of a and b of up to 60 Lab units 5 in 100,000.
            torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-3, rtol=5e-5)

    random = torch.Generator().manual_seed(1)
    scale, shift = torch.tensor([[100.0, 120, 120], [0, -60, -60]]).view(2, 3, 1, 1)
    z = torch.randn(2, generator.config.noise, generator=random)
    with torch.no_grad():
        differ(photograph(data.astronaut(), 2, 64, 96), photograph(data.coffee(), 2, 128, 64), z)
        noise = [torch.rand(1, 3, *size, generator=random) * scale + shift for size in ((96, 64), (64, 160))]
        differ(*noise, z[:1])


def test_without_the_extra_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # as where it is not installed
    with pytest.raises(MissingExtraError, match=r"onnxscript is not installed; .*colorstyle\[export\]"):
        export_onnx(as_after_training("tiny"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


# In a process of its own: torch.compile cannot trace the shape checks that pytest has hooked into the library.
_COMPILED = """
import torch
from colorstyle_lib.config import get_preset
from colorstyle_lib.model.content import content_planes
from colorstyle_lib.model.generator import Generator
torch.manual_seed(0)
torch.set_num_threads(1)
generator = Generator(get_preset("tiny").generator).eval()
for weights in generator.parameters():
    if not weights.any():
        weights.data = 0.2 * torch.randn(weights.shape)
scale, shift = torch.tensor([[100.0, 120, 120], [0, -60, -60]]).view(2, 3, 1, 1)
lab, guide = torch.rand(2, 3, 32, 48) * scale + shift, torch.rand(2, 3, 40, 24) * scale + shift
everywhere = torch.ones(2, 1, 32, 48, dtype=torch.bool)
hints = torch.zeros_like(everywhere)
hints[..., 8:12, 20:24] = True
gray, hinted = (content_planes(lab, everywhere, known) for known in (~everywhere, hints))
z = torch.randn(2, generator.config.noise)
def color(content, guide=None, z=None):
    return generator(content, generator.describe_reference(guide) if guide is not None else None, z)
# aot_eager traces the whole graph as every backend does, without a C++ compiler's minutes.
compiled = torch.compile(color, backend="aot_eager", fullgraph=True)
with torch.no_grad():
    alone = color(gray)
    for content, *more in ((gray,), (hinted,), (hinted, guide, z)):
        expected = color(content, *more)
        assert content is gray or (expected - alone).abs().max() > 0.1
        torch.testing.assert_close(compiled(content, *more), expected, atol=1e-3, rtol=0)
print("agrees")
"""


def test_a_compiled_generator_colors_the_same_with_hints_reference_and_z() -> None:
    done = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, cwd=paths.ROOT)
    assert done.stdout == "agrees\n", done.stderr
