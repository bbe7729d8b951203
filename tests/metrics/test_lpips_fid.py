"""LPIPS and FID: refused in one clear line without their weights, and called by no other name."""

import json
import re
import sys
import urllib.request
from pathlib import Path

import pytest
import torch

from colorstyle_lib import paths
from colorstyle_lib.errors import ConfigError, MissingExtraError, WeightsError
from colorstyle_lib.metrics import feature_distance as metrics_standard
from colorstyle_lib.metrics.feature_distance import fid, frechet_distance, lpips
from colorstyle_lib.model import pretrained

LPIPS_WEIGHTS = "alexnet-owt-7be5be79.pth"  # torchvision's; what was fitted on top of it comes with torchmetrics
FID_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"  # of TensorFlow's graph, as torch-fidelity publishes it
REASON = "needs torchmetrics and torch-fidelity: pip install 'colorstyle[metrics]'"


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch) -> Path:
    """An empty place for weights, on a machine without a network: nobody listens where it would ask."""
    pytest.importorskip("torchmetrics", reason=REASON)
    pytest.importorskip("torch_fidelity", reason=REASON)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # which keeps proxies; later tests get their own again
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder


def pictures(n: int, seed: int) -> torch.Tensor:
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("metric", "file"), [(lpips, LPIPS_WEIGHTS), (fid, FID_WEIGHTS)])
def test_without_weights_it_is_refused_with_the_way_out(checkpoints: Path, metric, file: str):
    with pytest.raises(WeightsError, match=r"standard weights.*connect to the internet once, or bring") as caught:
        metric(pictures(3, 0), pictures(3, 1))
    said = str(caught.value)
    assert "\n" not in said
    assert file in said
    assert str(checkpoints) in said


@pytest.mark.parametrize(
    ("metric", "module", "package"),
    [(lpips, "torchmetrics.functional.image", "torchmetrics"), (fid, "torch_fidelity", "torch_fidelity")],
)
def test_without_the_package_it_says_which_extra_brings_it(monkeypatch, metric, module: str, package: str):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=rf"^{package} is not installed; .*colorstyle\[metrics\]"):
        metric(pictures(3, 0), pictures(3, 1))


def test_damaged_weights_are_refused_too(checkpoints: Path):
    (checkpoints / LPIPS_WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="LPIPS needs AlexNet's standard weights"):
        lpips(pictures(1, 0), pictures(1, 1))


class Bomb:
    """A pickle that, read with its code run, leaves a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("right_hash", [False, True])
@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize(("metric", "file"), [(lpips, LPIPS_WEIGHTS), (fid, FID_WEIGHTS)])
def test_no_code_in_the_download_cache_runs(checkpoints: Path, monkeypatch, metric, file, old_format, right_hash):
    mark = checkpoints.parent / "the code ran"
    torch.save({"features.0.weight": Bomb(mark)}, checkpoints / file, _use_new_zipfile_serialization=not old_format)
    if right_hash:
        monkeypatch.setattr(pretrained, "file_hash", lambda path: Path(path).stem.rpartition("-")[2])
    with pytest.raises(WeightsError, match=r"or holds code; delete it|another SHA-256") as caught:
        metric(pictures(3, 0), pictures(3, 1))
    assert "\n" not in str(caught.value)
    assert not mark.exists()


def test_what_is_too_small_or_too_few_is_refused(checkpoints: Path):
    with pytest.raises(ConfigError, match="63 pixels or more"):
        lpips(pictures(1, 0)[..., :62], pictures(1, 1)[..., :62])
    with pytest.raises(ConfigError, match="at least 2"):
        fid(pictures(1, 0), pictures(3, 1))


def test_lpips_gives_each_picture_its_own_distance(checkpoints: Path, monkeypatch):
    """Of AlexNet with random weights, which stand in for the standard ones; the sum over layers is torchmetrics'."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
    from torchvision.models import alexnet

    torch.manual_seed(0)
    torch.save(alexnet(weights=None).state_dict(), checkpoints / LPIPS_WEIGHTS)
    monkeypatch.setattr(pretrained, "file_hash", lambda file: "7be5be79")
    x, y = pictures(3, 0), pictures(3, 1)
    found = lpips(x, y)
    assert found.shape == (3,)
    theirs = LearnedPerceptualImagePatchSimilarity(net_type="alex")  # which wants [-1, 1]
    expected = [theirs(2 * a[None] - 1, 2 * b[None] - 1).item() for a, b in zip(x, y, strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    assert lpips(x[:1], x[:1]).tolist() == pytest.approx([0], abs=1e-7)


def test_fid_is_the_frechet_distance_of_inceptions_features(checkpoints: Path, monkeypatch):
    """Of Inception with random weights, which stand in for the standard ones, and its first 64 features, for speed."""
    from torch_fidelity import feature_extractor_inceptionv3 as inception

    class Random(inception.FeatureExtractorInceptionV3):
        def load_state_dict(self, *given):
            pass

    torch.manual_seed(0)
    with monkeypatch.context() as patched:
        patched.setattr(inception, "load_state_dict_from_url", lambda *given, **options: {})
        network = Random("random", ["64"])
    torch.save(network.state_dict(), checkpoints / FID_WEIGHTS)
    monkeypatch.setattr(pretrained, "file_hash", lambda file: "6726825d")
    monkeypatch.setattr(metrics_standard, "FID_FEATURES", 64)
    monkeypatch.setattr(metrics_standard, "_BATCH", 3)
    found, real = pictures(4, 0), 0.5 * pictures(5, 1)
    features = [network((255 * images).byte())[0] for images in (found, real)]
    assert fid(found, real) == pytest.approx(frechet_distance(*features), rel=1e-3)


def test_nothing_else_is_called_by_these_names():
    names = re.compile(
        r"^\s*(?:def|class) \w*(?:lpips|fid)\w*\b|^\w*(?:lpips|fid)\w* *[:=]", re.IGNORECASE | re.MULTILINE
    )
    owners = {file.name for file in paths.PACKAGE.rglob("*.py") if names.search(file.read_text(encoding="utf-8"))}
    assert owners == {"feature_distance.py"}
    recorded = json.loads((paths.FIGURES / "results.json").read_text(encoding="utf-8"))
    assert not [key for key in recorded if re.search(r"(?i)\b(lpips|fid|kid)\b|_(lpips|fid|kid)", key)]
