"""What each metric measures, against known values and other implementations."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000
from skimage.metrics import peak_signal_noise_ratio

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.metrics.bootstrap import bootstrap, mean_of, ratio_of
from colorstyle_lib.metrics.coloring import (
    AB_REACH,
    ab_histogram,
    ab_histograms,
    chroma,
    ciede2000,
    colorfulness,
    histogram_distance,
    psnr_ab,
    psnr_rgb,
    square_error_ab,
    ssim,
    stain_gradients,
)


def flat(*lab: float) -> torch.Tensor:
    return torch.tensor(lab, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, 4, 5)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return synthetic.scenes(3, 32, seed=1).rgb


def test_psnr_of_rgb_is_scikit_images(pictures: torch.Tensor):
    noisy = (pictures + 0.1 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    expected = [
        peak_signal_noise_ratio(x.numpy(), y.numpy(), data_range=1) for x, y in zip(pictures, noisy, strict=True)
    ]
    assert psnr_rgb(noisy, pictures).tolist() == pytest.approx(expected, rel=1e-4)


def test_square_error_is_what_psnr_ab_is_made_of(pictures: torch.Tensor):
    ab = rgb_to_lab(pictures)[:, 1:]
    zero = torch.zeros_like(ab)
    mean_square = square_error_ab(zero, ab).mean((1, 2)) / 2
    assert psnr_ab(zero, ab).tolist() == pytest.approx((10 * (255**2 / mean_square).log10()).tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [  # of the test data of G. Sharma, W. Wu and E. Dalal, 2005: pairs 1, 7, 16 and 17
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ],
)
def test_ciede2000_is_the_published_one(one, other, difference: float):
    assert ciede2000(flat(*one), flat(*other)).item() == pytest.approx(difference, abs=1e-4)


def test_ciede2000_is_scikit_images_on_random_colors_an_image_at_a_time():
    random = torch.Generator().manual_seed(0)
    low, width = torch.tensor([0.0, -100.0, -100.0]), torch.tensor([100.0, 200.0, 200.0])
    one, other = ((low + width * torch.rand(3, 9, 7, 3, generator=random)).movedim(3, 1) for _ in range(2))
    pixels = deltaE_ciede2000(one.movedim(1, 3).double().numpy(), other.movedim(1, 3).double().numpy())
    assert ciede2000(one, other).tolist() == pytest.approx(pixels.mean((1, 2)).tolist(), rel=1e-6)


def test_ssim_and_psnr_are_torchmetrics(pictures: torch.Tensor):
    reason = "compares with torchmetrics: pip install 'colorstyle[test]'"
    images = pytest.importorskip("torchmetrics.functional.image", reason=reason)
    noisy = (pictures + 0.1 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    # Its window, too, is Gaussian, of deviation 1.5 and 11 pixels wide; but it counts those over the border, reflected.
    options = {"sigma": 1.5, "kernel_size": 11, "reduction": "none", "data_range": 1.0, "return_full_image": True}
    _, places = images.structural_similarity_index_measure(noisy, pictures, **options)
    assert ssim(noisy, pictures).tolist() == pytest.approx(places[..., 5:-5, 5:-5].mean((1, 2, 3)).tolist(), abs=1e-5)
    expected = images.peak_signal_noise_ratio(noisy, pictures, data_range=1.0, dim=(1, 2, 3), reduction="none")
    assert psnr_rgb(noisy, pictures).tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    ab, guess = rgb_to_lab(pictures)[:, 1:], rgb_to_lab(noisy)[:, 1:]
    expected = images.peak_signal_noise_ratio(guess, ab, data_range=255.0, dim=(1, 2, 3), reduction="none")
    assert psnr_ab(guess, ab).tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_ssim_is_1_for_the_same_and_falls_with_noise_an_image_at_a_time(pictures: torch.Tensor):
    torch.testing.assert_close(ssim(pictures, pictures), torch.ones(3))
    worse = pictures.clone()
    worse[1] = torch.rand(worse[1].shape, generator=torch.Generator().manual_seed(0))
    found = ssim(worse, pictures)
    assert found[0] == found[2] == 1
    assert found[1] < 0.3


@given(st.integers(-100, 100), st.integers(-100, 100))
def test_histograms_hold_every_pixel_once(a: int, b: int):
    both = torch.cat((flat(50, a, b), flat(50, b, a)))
    rows = ab_histograms(both)
    assert rows.shape == (2, 22 * 22)
    torch.testing.assert_close(rows.sum(1), torch.ones(2))
    same_square = (a + 110) // 10 == (b + 110) // 10
    assert histogram_distance(rows[0], rows[1]).item() == pytest.approx(0 if same_square else 1)


def test_stains_are_slow_changes_where_the_real_picture_is_calm():
    """A wall with a colored patch; noise that a blur takes away counts for little, a gray answer for nothing."""
    real = torch.zeros(1, 2, 160, 160)
    real[:, 0] = torch.linspace(0, 80, 160)[:, None] ** 2 / 80  # calm above, ever faster below
    place = torch.arange(160)
    patch = 60 * torch.exp(-((place[:, None] - 40.0) ** 2 + (place - 80.0) ** 2) / (2 * 12**2))
    noise = 5 * torch.randn(1, 2, 160, 160, generator=torch.Generator().manual_seed(0))
    ratios = {
        name: ratio_of(*stain_gradients(found, real))(torch.ones(1, dtype=torch.float64)).item()
        for name, found in {"real": real, "gray": 0 * real, "noise": real + noise, "patch": real + patch}.items()
    }
    assert ratios["real"] == 1
    assert ratios["gray"] == 0
    assert ratios["noise"] < 2 < ratios["patch"]
    # By hand: where a changes by 0.5 a pixel and b not at all, the gradient is 0.5, less at the border, where blurring
    # reflects.
    slope = torch.stack((torch.arange(160) / 2.0, torch.zeros(160)))[None, :, None].expand(1, 2, 160, 160)
    found, calm = stain_gradients(slope, slope)
    assert 0.45 < float(found) < 0.5
    assert float(calm) == float(found)


def test_histogram_distance_is_the_share_that_would_have_to_move():
    one, other = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.5, 0.25]])
    assert histogram_distance(one, other).tolist() == [0.25]


# Colorfulness: signed and absolute differences, ratios of means and means of ratios.
def halves(left: tuple[float, float, float], right: tuple[float, float, float]) -> torch.Tensor:
    """A picture of two flat colors."""
    return torch.tensor([left, right], dtype=torch.float32).T[None, :, None].repeat(1, 1, 4, 1)


def test_red_beside_green_is_colorful():
    both = halves((1, 0, 0), (0, 1, 0))
    # rg is 255 and -255, yb is 127.5 twice.
    assert colorfulness(both).item() == pytest.approx(255 + 0.3 * 127.5)


def test_a_pale_picture_counts_in_a_mean_of_ratios_and_hardly_in_a_ratio_of_means():
    found, real = torch.tensor([10.0, 25.0]), torch.tensor([5.0, 50.0])
    assert bootstrap(mean_of(found / real), 2).value == pytest.approx(1.25)  # "too colorful"
    assert bootstrap(ratio_of(found, real), 2).value == pytest.approx(35 / 55)  # "too pale"


def test_metrics_by_hand():
    off_by_one = psnr_ab(torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 4, 4))
    assert off_by_one.item() == pytest.approx(48.1308, abs=1e-3)  # 20 log10(255)
    # Half red, half green: rg = +-255, yb = 127.5 in both; spread 255 + 0.3 * |127.5|.
    picture = torch.zeros(1, 3, 1, 2)
    picture[0, 0, 0, 0] = picture[0, 1, 0, 1] = 1
    assert colorfulness(picture).item() == pytest.approx(255 + 0.3 * 127.5, rel=1e-5)
    assert colorfulness(torch.full((1, 3, 4, 4), 0.3)).item() == pytest.approx(0, abs=1e-4)


def random_pixels(count: int, seed: int = 0) -> torch.Tensor:
    rgb = torch.rand((3, count, 1), generator=torch.Generator().manual_seed(seed))
    return rgb_to_lab(rgb)[:, :, 0].T


def test_chroma_of_a_right_triangle():
    assert chroma(torch.tensor([50.0, -30.0, 40.0])[:, None, None]).item() == 50
    assert chroma(rgb_to_lab(torch.full((2, 3, 4, 5), 0.3))).max() < 1e-2


def test_histogram_puts_a_along_columns_and_b_along_rows():
    histogram = ab_histogram(torch.tensor([[50.0, 101.0, -99.0], [50.0, 0.5, 0.5]]), bins=11)  # squares of 20
    assert histogram[0, 10] == 0.5
    assert histogram[5, 5] == 0.5


def test_histogram_counts_every_color_of_a_screen():
    corners = torch.cartesian_prod(*3 * [torch.tensor([0.0, 1.0])]).T[:, :, None]
    pixels = torch.cat((rgb_to_lab(corners)[:, :, 0].T, random_pixels(1000)))
    assert pixels[:, 1:].abs().max() < AB_REACH
    histogram = ab_histogram(pixels)
    assert histogram.sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(histogram * len(pixels), (histogram * len(pixels)).round(), atol=1e-3)
