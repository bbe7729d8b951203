import subprocess
import sys

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import PRESETS, change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.adversarial import OBJECTIVES, zero_centered_penalty
from colorstyle_lib.model.attention import AttentionOverride
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.modalities import MODALITIES

ATTENTIONS = ("none", "plain", "places")


def made(name="tiny", seed=0, **changes):
    torch.manual_seed(seed)
    return Discriminator(change(get_preset(name).discriminator, **changes))


def scenes(n=4, size=48, seed=0):
    return rgb_to_lab(synthetic.scenes(n, size, seed=seed).rgb)


def gray(lab):
    return lab * torch.tensor([1.0, 0, 0]).view(3, 1, 1)


def noisy(lab, seed=0):
    noise = 15 * torch.randn(lab.shape, generator=torch.Generator().manual_seed(seed))
    return lab + noise * torch.tensor([0.0, 1, 1]).view(3, 1, 1)


def decided(discriminator, seed=0):
    """With energies that are no longer all 0, as after some training."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in discriminator.named_parameters():
        if ".energy." in name:
            weight.data = torch.randn(weight.shape, generator=generator)
    return discriminator


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=6)
@given(height=st.integers(4, 9), width=st.integers(4, 9), n=st.integers(1, 3))
def test_any_multiple_of_eight_gives_weights_that_sum_to_one(name, height, width, n):
    discriminator = decided(made(name)).eval()
    lab = torch.rand(n, 3, 8 * height, 8 * width, generator=torch.Generator().manual_seed(n)) * 100 - 20
    with torch.no_grad():
        logits, alphas = discriminator.weigh(lab)
    config = discriminator.config
    sizes = {str(2**k): (8 * height // 2**k, 8 * width // 2**k) for k in range(1, config.depth + 1)}
    if config.patches:
        assert logits.shape == (n, sum(h * w for h, w in (sizes[scale] for scale in alphas)))
    else:
        assert logits.shape == (n, 1)
    assert len(alphas) == config.scales
    for scale, alpha in alphas.items():
        places = (1, 1) if config.attention == "plain" else sizes[scale]
        assert alpha.shape == (n, len(config.modalities), *places)
        assert torch.allclose(alpha.sum(1), torch.ones(n, *places), atol=1e-5)
        assert alpha.min() >= 0
        assert alpha.std() > 0


def test_paper_is_one_verdict_and_one_weight_a_picture():
    config = get_preset("paper").discriminator
    assert (config.attention, config.modalities) == ("plain", ("color", "texture"))
    assert config.pooling
    assert not config.spectral_norm
    assert not config.patches
    logits, alphas = made("paper").weigh(scenes())
    assert logits.shape == (4, 1)
    assert {scale: alpha.shape for scale, alpha in alphas.items()} == {"16": (4, 2, 1, 1)}


def test_discriminators_are_small():
    counts = {name: sum(p.numel() for p in made(name).parameters()) for name in PRESETS}
    assert counts["companion"] <= 1_500_000
    assert counts["paper"] <= 1_500_000
    assert counts["tiny"] <= 50_000


def test_a_gray_picture_offers_no_color_and_a_flat_one_nothing():
    discriminator = decided(made()).eval()
    lab = torch.cat((scenes(1), gray(scenes(1)), torch.tensor([60.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 48, 48)))
    with torch.no_grad():
        logits, alphas = discriminator.weigh(lab)
    alpha = alphas["8"]
    color = MODALITIES.index("color")
    assert alpha[0].min() > 0
    assert alpha[1, color].abs().max() == 0
    assert torch.allclose(alpha[1].sum(0), torch.ones(6, 6))
    assert alpha[2].abs().max() == 0
    assert logits[2].abs().max() == 0
    assert logits[:2].abs().min() > 0


@pytest.mark.parametrize("attention", ["plain", "places"])
def test_weights_depend_on_the_picture_and_on_places_only_where_they_should(attention):
    discriminator = decided(made(attention=attention)).eval()
    with torch.no_grad():
        alpha = discriminator.weigh(scenes())[1]["8"]
    assert alpha.flatten(2).mean(2).std(0).min() > 1e-4
    assert alpha[0, 0].numel() == (1 if attention == "plain" else 36)


@pytest.mark.parametrize("attention", ["plain", "places"])
def test_an_override_weighs_what_the_modalities_say(attention):
    discriminator = decided(made(attention=attention)).eval()
    lab = scenes()

    def judged(**override):
        with torch.no_grad():
            return discriminator.weigh(lab, override=AttentionOverride(**override))

    alone = [judged(fix={name: 1.0})[0] for name in MODALITIES]
    free, alphas = discriminator.weigh(lab)
    alpha = alphas["8"].expand(-1, -1, 6, 6).flatten(2)
    # The definition: a place's logit is the sum of what each modality alone says there, weighed by alpha.
    assert torch.allclose(free, sum(alpha[:, i] * said for i, said in enumerate(alone)), atol=1e-5)
    assert torch.allclose(judged(equalise=True)[0], sum(alone) / 3, atol=1e-5)
    assert torch.allclose(judged(fix={"color": 3.0, "shape": 1.0})[0], 0.75 * alone[0] + 0.25 * alone[2], atol=1e-5)
    removed, weights = judged(remove=("texture",))
    assert weights["8"][:, 1].abs().max() == 0
    assert not torch.allclose(removed, free, atol=1e-5)
    assert torch.equal(discriminator(lab, override=AttentionOverride(remove=("texture",))), removed)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_pixel_and_plane_gets_a_gradient(attention):
    lab = scenes().requires_grad_()
    discriminator = decided(made(attention=attention))
    discriminator(lab).mean().backward()
    slope = lab.grad.abs().amax((0, 2, 3))
    assert torch.isfinite(lab.grad).all()
    assert (slope > 0).all()
    assert (lab.grad.abs().sum((0, 1)) > 0).all()


def test_color_evidence_alone_reaches_the_picture_through_the_map():
    discriminator = made()
    for level in discriminator.evidence.values():
        # Nothing passes through the trunk: what is left comes by the modality's own map and vector.
        level.from_features.parametrizations.weight.original.data.zero_()
        level.from_features.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    lab = scenes().requires_grad_()
    discriminator(lab, override=AttentionOverride(fix={"color": 1.0})).mean().backward()
    assert lab.grad[:, 0].abs().max() == 0
    assert lab.grad[:, 1:].abs().max() > 0


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_gradient_penalty_reaches_every_weight_that_shapes_the_slope(attention):
    discriminator = decided(made(attention=attention))
    lab = scenes(2).requires_grad_()
    penalty = zero_centered_penalty(discriminator(lab), lab, gamma=10.0)
    penalty.backward()
    assert penalty > 0
    gradients = {name: p.grad for name, p in discriminator.named_parameters() if "weight" in name}
    assert all(g is not None and torch.isfinite(g).all() and g.abs().max() > 0 for g in gradients.values())


@pytest.fixture(scope="module")
def drawn():
    """Scenes to learn from, and others to be judged."""
    return scenes(32, 32, seed=1), scenes(16, 32, seed=2)


@pytest.mark.parametrize(
    ("name", "attention"), [*((name, "places") for name in OBJECTIVES), ("hinge", "plain"), ("hinge", "none")]
)
def test_learns_to_tell_real_from_gray_and_from_noise(drawn, name, attention):
    seen, held_out = drawn
    objective, discriminator = OBJECTIVES[name], made(attention=attention)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3, betas=(0.0, 0.99))
    for step in range(30):
        real = seen[8 * (step % 4) :][:8]
        fake = torch.cat((gray(real[:4]), noisy(real[4:], seed=step)))
        real_logits, fake_logits = discriminator(torch.cat((real, fake))).chunk(2)
        loss = objective.discriminator_loss(real_logits, fake_logits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        real, drab, rough = (discriminator.eval()(x).mean(1) for x in (held_out, gray(held_out), noisy(held_out)))
    # Pairwise, because the relativistic objective only ever compares.
    assert (real > drab).float().mean() >= 0.9
    assert (real > rough).float().mean() >= 0.9


def test_paper_learns_by_plain_sgd(drawn):
    seen, held_out = drawn
    discriminator = made("paper", width=8)
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=1e-2)
    for step in range(40):
        real = seen[8 * (step % 4) :][:8]
        loss = OBJECTIVES["saturating"].discriminator_loss(discriminator(real), discriminator(noisy(real, seed=step)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert (discriminator(held_out) > discriminator(noisy(held_out))).float().mean() >= 0.9


def test_spectral_norm_keeps_every_matrix_but_the_energies_at_one():
    discriminator = made("companion")
    for parameter in discriminator.parameters():
        parameter.data *= 7
    for _ in range(15):  # each pass in training mode is one step of the power iteration
        discriminator(scenes(1, 32))
    checked = 0
    for name, layer in discriminator.eval().named_modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)) and ".energy." not in name:
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.1), name
            checked += 1
    assert checked == 4 + 2 * (1 + 3 * 3)


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_seed_and_picture_give_the_same_verdict(name):
    lab = scenes(3, 32)
    first, second, other = (made(name, seed=seed).eval() for seed in (1, 1, 2))
    with torch.no_grad():
        verdict = first(lab)
        assert torch.equal(verdict, second(lab))
        assert not torch.equal(verdict, other(lab))
        # Nothing is normalised over the batch: a picture alone is judged as it is in company.
        assert torch.allclose(verdict[1:2], first(lab[1:2]), atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
def test_channels_last_and_half_precision_agree(name):
    discriminator, lab = decided(made(name)).eval(), scenes(2, 40)
    with torch.no_grad():
        expected = discriminator(lab)
        laid_out = discriminator.to(memory_format=torch.channels_last)(lab.to(memory_format=torch.channels_last))
        with torch.autocast("cpu", torch.bfloat16):
            half, alphas = discriminator.weigh(lab)
    assert torch.allclose(laid_out, expected, atol=1e-5)
    assert half.dtype == torch.float32
    assert torch.allclose(half, expected, atol=0.05 * expected.abs().max().item() + 0.01)
    for alpha in alphas.values():
        assert torch.allclose(alpha.sum(1), torch.ones_like(alpha[:, 0]), atol=1e-6)


def test_training_in_half_precision_stays_finite():
    discriminator = made("companion", width=8, max_width=16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = OBJECTIVES["hinge"].discriminator_loss(discriminator(scenes()), discriminator(noisy(scenes())))
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in discriminator.parameters())


@pytest.fixture
def unchecked():
    """Tracers cannot look into the shape checks that tests switch on; users have none."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


# In a process of its own: torch.compile cannot trace the shape checks that pytest has hooked into the library.
_COMPILED = """
import torch
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.model.discriminator import Discriminator
discriminator = Discriminator(change(get_preset("companion").discriminator, width=8, max_width=16)).eval()
# aot_eager traces the whole graph as every backend does, without a C++ compiler's minutes.
compiled = torch.compile(discriminator, backend="aot_eager", fullgraph=True)
lab = torch.rand(2, 3, 32, 32) * 60
lab, same = lab.clone().requires_grad_(), lab.requires_grad_()
expected, got = discriminator(lab), compiled(same)
torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)
expected.sum().backward()
got.sum().backward()
assert lab.grad.abs().max() > 0
torch.testing.assert_close(same.grad, lab.grad, atol=1e-6, rtol=1e-4)
print("agrees")
"""


def test_compiled_is_the_same_in_value_and_gradient():
    done = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, cwd=paths.ROOT)
    assert done.stdout == "agrees\n", done.stderr


@pytest.mark.usefixtures("unchecked")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", ["paper", "companion"])
def test_exported_to_onnx_is_the_same(name, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    discriminator, lab = decided(made(name, width=8, max_width=16)).eval(), scenes(2, 64)
    path = tmp_path / "discriminator.onnx"
    sizes = {"lab": {0: torch.export.Dim("n", min=1, max=64)}}
    torch.onnx.export(
        discriminator, (scenes(3, 64),), path, dynamo=True, external_data=False, dynamic_shapes=sizes, verbose=False
    )
    (got,) = runtime.InferenceSession(path).run(None, {"lab": lab.numpy()})
    torch.testing.assert_close(discriminator(lab), torch.from_numpy(got), atol=1e-3, rtol=1e-3)


def test_what_does_not_fit_is_named():
    with pytest.raises(ConfigError, match="no attention 'place'; did you mean 'places'"):
        made(attention="place")
    with pytest.raises(ConfigError, match="no modality 'colour'; did you mean 'color'"):
        made(modalities=("colour",))
    with pytest.raises(ConfigError, match="attention needs modalities"):
        made(modalities=())
    for scales in (0, 2):
        with pytest.raises(ConfigError, match=f"depth 3 allows 1 to 1 scales, not {scales}"):
            made(scales=scales)
    with pytest.raises(ConfigError, match=r"multiples of 8 and at least 8, not \(20, 24\)"):
        made()(torch.rand(1, 3, 20, 24))
    with pytest.raises(ConfigError, match="at least 16"):
        made("companion")(torch.rand(1, 3, 8, 64))
    with pytest.raises(ConfigError, match="no attention to override"):
        made(attention="none")(scenes(1), override=AttentionOverride(equalise=True))
