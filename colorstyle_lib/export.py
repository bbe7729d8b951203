"""Writing a network as an ONNX file, which other programs run without torch and without this library."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import Dim

from colorstyle_lib.discriminator import Discriminator
from colorstyle_lib.errors import ConfigError, MissingExtraError
from colorstyle_lib.generator import CONTENT_PLANES, Generator
from colorstyle_lib.modalities import REDUCTION

_MOST = 64  # pictures in a batch, and multiples of the smallest sides: the tracer wants an upper bound


class _Guided(nn.Module):
    """A generator whose reference comes as a picture, so that one file holds all of it."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, content: Float[Tensor, "n 5 h w"], reference: Float[Tensor, "n 3 h2 w2"]
    ) -> Float[Tensor, "n 2 h w"]:
        """Predict a and b."""
        return self.generator(content, self.generator.describe_reference(reference))


def export_onnx(network: Generator | Discriminator, path: str | Path, *, reference: bool = False) -> Path:
    """Write a network as an ONNX file.

    A generator's input is ``content`` ``(N, 5, H, W)``, as :func:`colorstyle_lib.generator.content_planes` makes it,
    and with ``reference`` also a color picture of any size, ``reference`` ``(N, 3, H2, W2)`` in Lab; its output is
    ``ab`` ``(N, 2, H, W)``. It colors without z, and hints count only where they are: what carries them on is a choice
    by value, which no graph can hold. A discriminator's input is ``lab`` ``(N, 3, H, W)``, its output ``logits``
    ``(N, P)``. Batch and sizes are free, in the multiples that the network asks for.

    Args:
        network: its copy is exported in evaluation mode; what it gets back is the mode that it had.
        path: of the file; all weights are within.
        reference: a generator that also takes a reference.

    Raises:
        ConfigError: a reference for a network that cannot read one.
        MissingExtraError: a package for writing ONNX is not installed.
    """
    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "export")
    if isinstance(network, Discriminator):
        planes, step, model = {"lab": 3}, max(REDUCTION, 2**network.config.depth), network
    else:
        planes, step, model = {"content": CONTENT_PLANES}, network.step, network
    if reference:
        if isinstance(network, Discriminator) or not network.steering:
            raise ConfigError("only a generator with attention reads a reference")
        planes, model = {**planes, "reference": 3}, _Guided(network)
    # Sizes that differ from each other: a tracer takes equal numbers for the same number.
    examples = tuple(torch.rand(3, count, 2 * step, (3 + i) * step) for i, count in enumerate(planes.values()))
    training = network.training
    try:
        with torch.no_grad():
            torch.onnx.export(
                model.eval(),
                examples,
                path,
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=list(planes),
                output_names=["logits" if isinstance(network, Discriminator) else "ab"],
                dynamic_shapes={name: _free(name, step, first=name != "reference") for name in planes},
            )
    finally:
        network.train(training)
    return Path(path)


def _free(name: str, step: int, first: bool) -> dict[int, object]:
    """Which sides may be of any size; all inputs share the first one's batch."""
    height, width = (step * Dim(f"{side}_of_{name}", min=1, max=_MOST) for side in ("height", "width"))
    return {0: Dim("n", min=1, max=_MOST) if first else Dim.AUTO, 2: height, 3: width}
