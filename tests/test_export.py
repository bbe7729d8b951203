"""ONNX files: what another program computes from them, at sizes that the export never saw."""

from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import onnxruntime
import pytest
import torch
from torch import nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data import synthetic
from colorstyle_lib.discriminator import Discriminator
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.export import export_onnx
from colorstyle_lib.generator import Generator, gray_content


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """Tracers cannot look into the shape checks that tests switch on; users have none."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def as_after_training(network: nn.Module) -> nn.Module:
    """Energies, scales and shifts start at 0, where nothing could go wrong."""
    random = torch.Generator().manual_seed(0)
    for weights in network.parameters():
        if not weights.any():
            weights.data = 0.2 * torch.randn(weights.shape, generator=random)
    return network


def scenes(n: int, height: int, width: int, seed: int) -> torch.Tensor:
    return rgb_to_lab(synthetic.scenes(n, 96, seed).rgb)[..., :height, :width]


def run(path: Path, **inputs: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(path)
    (output,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return torch.from_numpy(output)


@pytest.mark.parametrize(("name", "guided"), [("tiny", True), ("companion", True), ("paper", False)])
def test_a_generator_colors_the_same_in_onnx(name: str, guided: bool, tmp_path: Path):
    torch.manual_seed(0)
    generator = as_after_training(Generator(change(get_preset(name).generator, width=8, max_width=16)))
    path = export_onnx(generator, tmp_path / "generator.onnx", reference=guided)
    assert generator.training
    generator.eval()
    for n, height, width in ((1, 32, 96), (2, 64, 32)):
        content = gray_content(scenes(n, height, width, seed=n)[:, :1].contiguous())
        inputs = {"content": content}
        if guided:
            inputs["reference"] = scenes(n, 96, 64, seed=9)
        with torch.no_grad():
            offered = generator.describe_reference(inputs["reference"]) if guided else None
            expected = generator(content, offered)
            if guided:
                assert (expected - generator(content)).abs().max() > 0.1  # so the reference has its say
        torch.testing.assert_close(run(path, **inputs), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["companion", "paper"])
def test_a_discriminator_judges_the_same_in_onnx(name: str, tmp_path: Path):
    torch.manual_seed(0)
    discriminator = as_after_training(Discriminator(change(get_preset(name).discriminator, width=8, max_width=16)))
    path = export_onnx(discriminator, tmp_path / "discriminator.onnx")
    discriminator.eval()
    for n, height, width in ((1, 32, 96), (2, 64, 32)):
        lab = scenes(n, height, width, seed=n)
        with torch.no_grad():
            torch.testing.assert_close(run(path, lab=lab), discriminator(lab), atol=1e-3, rtol=0)


def test_a_reference_that_nobody_reads_is_refused(tmp_path: Path):
    unsteered = Generator(change(get_preset("tiny").generator, attention="none", attention_at=()))
    for network in (unsteered, Discriminator(get_preset("tiny").discriminator)):
        with pytest.raises(ConfigError, match="only a generator with attention reads a reference"):
            export_onnx(network, tmp_path / "x.onnx", reference=True)
