"""ImageNet's protocol, on a small folder in ImageNet's layout, with small stand-ins for the two standard networks."""

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchmetrics.image.fid
from data_layouts import drawing
from torchmetrics.image import PeakSignalNoiseRatio

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import center_crops, load_images
from colorstyle_lib.errors import DataError, MissingExtraError, WeightsError
from colorstyle_lib.reproduction.benchmarks import imagenet
from colorstyle_lib.reproduction.benchmarks.imagenet import colorfulness, field_networks, first_images, measure
from colorstyle_lib.reproduction.results.store import read_results


class Means(torch.nn.Module):
    """For Inception: the means of a picture's 4 x 4 parts."""

    num_features = 48

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        assert levels.dtype == torch.uint8
        return torch.nn.functional.adaptive_avg_pool2d(levels.float() / 255, 4).flatten(1)


def farness(one: torch.Tensor, other: torch.Tensor, normalize: bool) -> torch.Tensor:
    """For LPIPS, of the same form."""
    assert normalize
    return (one - other).abs().mean(dim=(1, 2, 3), keepdim=True)


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    """Validation images in folders of their classes, which do not follow the images' names."""
    monkeypatch.setattr(imagenet, "field_networks", lambda: (Means(), farness))
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    folder = tmp_path / "imagenet"
    for i in range(6):
        file = folder / "val" / f"n0000000{5 - i}" / f"ILSVRC2012_val_{i + 1:08d}.JPEG"
        file.parent.mkdir(parents=True)
        drawing(i, width=48, height=40).save(file)
    drawing(9).save(folder / "val" / "another.jpg")
    return folder


def test_the_first_images_are_those_of_the_lowest_names(root: Path, monkeypatch):
    monkeypatch.setattr(imagenet, "IMAGES", 4)
    names = [Path(name).name for name in first_images(root).names]
    assert names == [f"ILSVRC2012_val_{i:08d}.JPEG" for i in (1, 2, 3, 4)]
    for file in root.rglob("ILSVRC2012*"):
        file.unlink()
    with pytest.raises(DataError, match=r"no ILSVRC2012_val_\*\.JPEG in .*imagenet"):
        first_images(root)


def test_colorfulness_is_that_of_absolute_differences():
    rgb = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    for one, found in zip(255 * rgb.double().numpy(), colorfulness(rgb), strict=True):
        rg, yb = np.abs(one[0] - one[1]), np.abs(0.5 * (one[0] + one[1]) - one[2])
        expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        assert found.item() == pytest.approx(expected, rel=1e-5)


def test_numbers_are_those_of_torchmetrics(root: Path, tmp_path: Path):
    output = tmp_path / "numbers.json"
    asked = ["--protocol", "imagenet-val5k", "--data", str(root), "--limit", "5", "--output", str(output)]
    assert main(["evaluate", *asked]) == 0
    found = {key.removeprefix("imagenet-val5k/gray/"): number for key, number in read_results(output).items()}
    files = sorted(root.rglob("ILSVRC2012*"), key=lambda file: file.name)[:5]
    rgb = center_crops(load_images(files, 256), 256).mul(255).round() / 255
    light = rgb_to_lab(rgb)[:, :1]
    gray = lab_to_rgb(torch.cat((light, torch.zeros_like(light), torch.zeros_like(light)), dim=1)).mul(255).round()

    fid = torchmetrics.image.fid.FrechetInceptionDistance(feature=Means())
    fid.update((255 * rgb).round().byte(), real=True)
    fid.update(gray.byte(), real=False)
    assert found["fid"].value == pytest.approx(fid.compute().item(), rel=1e-4)
    assert found["fid"].value > 0.01
    assert found["fid"].interval is None
    psnr = PeakSignalNoiseRatio(data_range=1.0, dim=(1, 2, 3))
    assert found["psnr_rgb"].value == pytest.approx(psnr(gray / 255, rgb).item(), rel=1e-5)
    assert found["lpips"].value == pytest.approx(farness(gray / 255, rgb, normalize=True).mean().item(), rel=1e-5)
    gap = colorfulness(rgb).mean() - colorfulness(gray / 255).mean()
    assert found["colorfulness_gap"].value == pytest.approx(gap.item(), rel=1e-4)
    assert {number.n for number in found.values()} == {5}
    assert found["fid"].command == "colorstyle evaluate --protocol imagenet-val5k --data ROOT --limit 5"


def test_real_pictures_are_measured_as_they_are():
    rgb = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)).mul(255).round() / 255
    (columns,) = measure([imagenet._REAL], rgb, (Means(), farness)).values()
    torch.testing.assert_close(columns["fid"], Means()((255 * rgb).round().byte()), atol=0, rtol=0)


def test_published_rows_stand_below_ours_with_what_differs(root: Path, capsys):
    assert main(["evaluate", "--protocol", "imagenet-val5k", "--data", str(root), "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "imagenet-val5k, n = 2" in lines
    rows = {line.split("  ")[0].split(",")[0]: line for line in lines}
    assert rows["DDColor-large"].split()[-4:] == ["3.92", "38.26", "0.05", "23.85"]
    assert "2212.11613" in "".join(lines)
    assert len(rows["gray"]) > len(rows["CIC"])  # LPIPS is not published
    # The paper's own colorfulness and gaps agree on the real pictures' mean.
    for _, color, gap, _ in imagenet._TABLE["published"].values():
        assert min(abs(color - gap - 38.21), abs(color + gap - 38.21)) < 0.005


def test_without_the_standard_networks_one_line_says_so(monkeypatch):
    def offline(**options):
        raise URLError("Name or service not known")

    monkeypatch.setattr(torchmetrics.image.fid, "FrechetInceptionDistance", offline)
    with pytest.raises(WeightsError, match=r"need a network once, to fetch their weights: .*not known"):
        field_networks()

    def missing(**options):
        raise ModuleNotFoundError("torch-fidelity")

    monkeypatch.setattr(torchmetrics.image.fid, "FrechetInceptionDistance", missing)
    with pytest.raises(MissingExtraError, match=r"colorstyle\[bench\]"):
        field_networks()
