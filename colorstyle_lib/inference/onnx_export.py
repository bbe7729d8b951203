"""ONNX export: a file that other programs run without torch and without this library."""

import copy
import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.model import CONTENT_PLANES, REDUCTION, Generator

_MOST = 1024  # pictures in a batch, and multiples of the smallest sides: the tracer wants an upper bound


class _Whole(nn.Module):
    """A generator whose reference comes as a picture."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, content: Tensor, reference: Tensor | None = None, z: Tensor | None = None) -> Tensor:
        """Predict a and b; shapes as in :func:`export_onnx`."""
        return self.generator(content, None if reference is None else self.generator.describe_reference(reference), z)


def export_onnx(model: ColorStyle | Path | None, path: str | Path) -> Path:
    """Write a model (or weights file; None: the released one) as ONNX, to color pictures of any size and number.

    Its inputs, all float32 of the same N, and its output:

    - ``content`` ``(N, 5, H, W)`` as :func:`.content_planes` makes it; H and W are multiples of the file's ``step``.
    - ``reference`` ``(N, 3, H2, W2)``, where the weights have attention: a color picture in Lab, its sides multiples
      of ``step`` too. Zeros, a flat black that may be as small as that, are none.
    - ``z`` ``(N, D)``, where the weights have noise. Zeros are none.
    - ``ab`` ``(N, 2, H, W)``: a and b in Lab units. The picture's own L completes them.

    The file's metadata name its ``step``, the weights' SHA-256 and the generator's configuration (JSON).

    MissingExtraError: a package for writing ONNX is not installed. ColorStyleError: the file cannot be written.
    """
    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "export")
    model = model if isinstance(model, ColorStyle) else ColorStyle.load(model, "cpu")
    generator = copy.deepcopy(model.generator).cpu().eval()
    step = max(generator.step, REDUCTION)
    planes = {"content": CONTENT_PLANES} | ({"reference": 3} if generator.steering else {})
    # Sizes that differ from each other: a tracer takes equal numbers for the same number.
    examples = {name: torch.rand(3, count, 2 * step, (3 + i) * step) for i, (name, count) in enumerate(planes.items())}
    sides = {2: "height", 3: "width"}
    free: dict[str, dict[int, object]] = {
        name: {at: step * Dim(f"{name}_{side}", min=1, max=_MOST) for at, side in sides.items()} for name in planes
    }
    if generator.config.noise:
        examples["z"], free["z"] = torch.rand(3, generator.config.noise), {}
    for name, dims in free.items():
        dims[0] = Dim("n", min=1, max=_MOST) if name == "content" else Dim.AUTO  # all share the first one's
    options = {"dynamic_shapes": free, "output_names": ["ab"], "dynamo": True, "verbose": sys.stderr.isatty()}
    with torch.no_grad(), redirect_stdout(sys.stderr):  # torch tells its steps, in a terminal
        program = torch.onnx.export(_Whole(generator).eval(), kwargs=examples, **options)
    config = json.dumps(asdict(generator.config))
    program.model.metadata_props.update(step=str(step), weights_sha256=model.weights_hash, generator=config)
    with atomic_write(path) as stream:
        stream.write(program.model_proto.SerializeToString())
    return Path(path)
