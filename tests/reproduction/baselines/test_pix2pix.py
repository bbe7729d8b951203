"""The baseline pix2pix, against what its paper says of it."""

import pytest
import torch
import torch.nn.functional as nnf
from torch import nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.reproduction.baselines.pix2pix import PatchGAN, Pix2Pix, UNet


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return synthetic.scenes(3, 32, seed=1).rgb


def count(network: nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


def test_sizes_of_the_networks():
    with torch.device("meta"):
        assert count(UNet(256)) == pytest.approx(54.4, abs=0.05)
        assert count(UNet(128)) == pytest.approx(41.8, abs=0.05)
        assert count(PatchGAN()) == pytest.approx(2.8, abs=0.05)


@pytest.mark.parametrize(("size", "halvings", "patches"), [(64, 6, 6), (128, 7, 14), (256, 8, 30)])
def test_shapes(size: int, halvings: int, patches: int):
    with torch.device("meta"):
        generator = UNet(size)
        ab = generator(torch.empty(2, 1, size, size))
        logits = PatchGAN()(torch.empty(2, 3, size, size))
    assert ab.shape == (2, 2, size, size)
    assert len(generator.down) == len(generator.up) + 1 == halvings
    assert logits.shape == (2, 1, patches, patches)


def test_dropout_is_in_the_three_innermost_blocks_and_norms_are_at_neither_end():
    generator = UNet(256)
    dropped = [any(isinstance(layer, nn.Dropout) for layer in block) for block in generator.up]
    assert dropped == [True] * 3 + [False] * 4
    normed = [any(isinstance(layer, nn.BatchNorm2d) for layer in block) for block in generator.down]
    assert normed == [False, *[True] * 6, False]


@pytest.mark.parametrize("size", [16, 96, 200])
def test_a_size_that_cannot_be_halved_to_one_pixel_is_refused(size: int):
    with pytest.raises(ConfigError, match=f"not {size}"):
        UNet(size)


def test_a_logit_sees_70_pixels():
    picture = torch.rand(1, 3, 256, 256).requires_grad_()
    discriminator = PatchGAN().eval()  # in training the norms let every logit see every pixel a little
    discriminator(picture)[0, 0, 15, 15].backward()
    for axis in (0, 1):
        seen = picture.grad[0].abs().sum((0, 1 + axis)).nonzero()
        assert seen.max() - seen.min() + 1 == 70


def test_every_pixel_of_the_answer_sees_every_pixel_of_the_picture():
    picture = torch.rand(1, 1, 32, 32).requires_grad_()
    UNet(32).eval()(picture)[0, 0, 0, 0].backward()
    assert (picture.grad != 0).float().mean() > 0.9


def test_what_the_networks_descend_on(pictures: torch.Tensor):
    model = Pix2Pix(32, seed=3)
    lab = rgb_to_lab(pictures)
    light, real = lab[:, :1] / 50 - 1, lab[:, 1:] / 110
    # The same dropout: the step draws it first.
    torch.manual_seed(5)
    fake = model.state.generator(light)
    real_logits, fake_logits = (model.state.discriminator(torch.cat((light, ab), 1)) for ab in (real, fake))
    judged = 0.5 * (nnf.softplus(-real_logits).mean() + nnf.softplus(fake_logits).mean())
    before = [p.clone() for p in model.state.discriminator.parameters()]
    torch.manual_seed(5)
    terms = model.step(pictures)
    assert terms["discriminator"].item() == pytest.approx(judged.item(), rel=1e-4)
    assert terms["l1"].item() == pytest.approx((fake - real).abs().mean().item(), rel=1e-4)
    # Adam's first step is the learning rate, whatever the gradient: the discriminator takes one a batch, not two.
    moved = max((p - b).abs().max().item() for p, b in zip(model.state.discriminator.parameters(), before, strict=True))
    assert moved == pytest.approx(2e-4, rel=1e-2)
    verdict = model.state.discriminator(torch.cat((light, fake), 1))  # of the discriminator that has just learned
    assert terms["generator"].item() == pytest.approx(
        (nnf.softplus(-verdict).mean() + 100 * (fake - real).abs().mean()).item(), rel=1e-3
    )


def test_steps_lower_the_distance_and_both_networks_learn(pictures: torch.Tensor):
    model = Pix2Pix(32)
    history = [model.step(pictures) for _ in range(6)]
    assert history[-1]["l1"] < 0.85 * history[0]["l1"]
    assert history[-1]["discriminator"] < history[0]["discriminator"]


def test_an_answer_depends_on_no_other_picture(pictures: torch.Tensor):
    model = Pix2Pix(32)
    model.step(pictures)
    lightness = rgb_to_lab(pictures)[:, :1] / 50 - 1
    generator = model.state.generator.eval()
    torch.testing.assert_close(generator(lightness)[:1], generator(lightness[:1]), rtol=0, atol=1e-5)


def test_half_precision_steps_about_alike(pictures: torch.Tensor):
    exact, half = (Pix2Pix(32, timed=half).step(pictures) for half in (False, True))
    assert exact["generator"].item() == pytest.approx(half["generator"].item(), rel=0.02)
    assert exact["generator"].item() != half["generator"].item()
