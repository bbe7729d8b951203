"""What each metric measures, against known values and other implementations."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000
from skimage.metrics import peak_signal_noise_ratio

from colorstyle_lib.color import fit_gamut, lab_to_linear, rgb_to_lab
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.bootstrap import bootstrap, mean_of, ratio_of
from colorstyle_lib.metrics.coloring import (
    AB_REACH,
    ab_histogram,
    ab_histograms,
    ab_slice,
    chroma,
    ciede2000,
    colorfulness,
    colorfulness_of_absolutes,
    colorfulness_ratios,
    expected_square_error,
    histogram_distance,
    mean_by_lightness,
    mode_coverage,
    psnr_ab,
    psnr_rgb,
    sample_pixels,
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


def test_red_beside_green_is_colorful_and_its_absolute_differences_do_not_see_it():
    both = halves((1, 0, 0), (0, 1, 0))
    # rg is 255 and -255, yb is 127.5 twice.
    assert colorfulness(both).item() == pytest.approx(255 + 0.3 * 127.5)
    assert colorfulness_of_absolutes(both).item() == pytest.approx(0.3 * (255**2 + 127.5**2) ** 0.5)


def test_one_hue_is_the_same_either_way_and_gray_is_0():
    warm = halves((1, 0.5, 0), (0.5, 0.25, 0))
    assert colorfulness_of_absolutes(warm).item() == pytest.approx(colorfulness(warm).item())
    assert colorfulness_of_absolutes(halves((0.2, 0.2, 0.2), (0.7, 0.7, 0.7))).item() == pytest.approx(0, abs=1e-4)


def test_absolute_differences_are_by_hand_an_image_at_a_time():
    rgb = torch.rand(2, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    expected = []
    for image in (255 * rgb).double().numpy():
        rg, yb = abs(image[0] - image[1]), abs((image[0] + image[1]) / 2 - image[2])
        expected.append((rg.std() ** 2 + yb.std() ** 2) ** 0.5 + 0.3 * (rg.mean() ** 2 + yb.mean() ** 2) ** 0.5)
    assert colorfulness_of_absolutes(rgb).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_pale_picture_counts_in_a_mean_of_ratios_and_hardly_in_a_ratio_of_means():
    found, real = torch.tensor([10.0, 25.0]), torch.tensor([5.0, 50.0])
    assert colorfulness_ratios(found, real).tolist() == [2.0, 0.5]
    assert bootstrap(mean_of(colorfulness_ratios(found, real)), 2).value == pytest.approx(1.25)  # "too colorful"
    assert bootstrap(ratio_of(found, real), 2).value == pytest.approx(35 / 55)  # "too pale"


def test_a_gray_real_picture_has_no_ratio():
    with pytest.raises(ConfigError, match="1 of 2 real pictures are gray"):
        colorfulness_ratios(torch.ones(2), torch.tensor([0.5, 20.0]))


# Coverage of true modes.
MODES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def test_one_draw_near_a_mode_covers_it_and_the_middle_covers_none():
    answers = torch.tensor([[[0.0, 1.0], [3.0, 3.0]], [[9.5, 0.0], [3.0, 3.0]], [[0.2, 0.0], [0.0, 9.0]]])
    assert mode_coverage(answers, MODES, 2.0).tolist() == pytest.approx([2 / 3, 1 / 3])


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 100))
def test_it_is_the_loop_and_more_draws_never_cover_less(draws: int, questions: int, seed: int):
    answers = 12 * torch.rand(draws, questions, 2, generator=torch.Generator().manual_seed(seed))
    found = mode_coverage(answers, MODES, 4.0)
    for question in range(questions):
        hit = [any((a - mode).norm() < 4 for a in answers[:, question]) for mode in MODES]
        assert found[question].item() == pytest.approx(sum(hit) / 3)
    more = mode_coverage(torch.cat((answers, answers[:1] + 1)), MODES, 4.0)
    assert (more >= found).all()


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


@given(seed=st.integers(0, 2**31), count=st.integers(1, 60))
def test_sampled_pixels_are_distinct_and_repeatable(seed: int, count: int):
    images = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    drawn = sample_pixels(images, count, seed)
    assert drawn.shape == (min(count, 40), 3)
    assert len(drawn.unique(dim=0)) == len(drawn)
    assert torch.equal(drawn[:, 1] - drawn[:, 0], torch.full((len(drawn),), 20.0)), "planes of one pixel stay together"
    assert torch.equal(drawn, sample_pixels(images, count, seed))


def test_sampling_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        sample_pixels(torch.zeros(1, 3, 2, 2), 0)


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


def test_mean_by_lightness_of_opposite_colors_is_gray_but_their_chroma_is_not():
    pixels = torch.tensor([[12.0, 30.0, 40.0], [18.0, -30.0, -40.0], [95.0, 6.0, 8.0], [100.0, 0.0, 0.0]])
    average, typical = mean_by_lightness(pixels, bins=10)
    assert average[1].tolist() == [15, 0, 0]
    assert typical[1].item() == pytest.approx(50)
    assert average[9].tolist() == pytest.approx([95, 3, 4])
    assert typical[9].item() == pytest.approx(5)
    assert average[5].tolist() == [55, 0, 0], "a bin without pixels"


@pytest.mark.parametrize("lightness", [25.0, 50.0, 75.0])
def test_a_slice_holds_what_fits_the_gamut_and_nothing_else(lightness: float):
    rgb, inside = ab_slice(lightness, side=45)
    along = torch.linspace(-AB_REACH, AB_REACH, 45)
    lab = torch.stack((torch.full((45, 45), lightness), along.expand(45, 45), along[:, None].expand(45, 45)))
    back = rgb_to_lab(rgb)
    assert (back - lab).abs().amax(dim=0)[inside].max() < 1e-2
    assert (back - lab).abs().amax(dim=0)[~inside].min() > 1e-2
    moved = (fit_gamut(lab) - lab).abs().amax(dim=0) > 0
    assert not (moved & inside).any()


def test_black_and_white_have_no_colors():
    for lightness in (0.0, 100.0):
        assert ab_slice(lightness, side=23)[1].sum() <= 1
    assert (lab_to_linear(torch.tensor([50.0, 0.0, 0.0])[:, None, None]) < 1).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 6))
def test_the_least_square_error_is_at_the_mean(seed: int, count: int):
    colors = 80 * torch.rand((count, 2), generator=torch.Generator().manual_seed(seed)) - 40
    errors = expected_square_error(colors, side=221)  # one guess a unit
    row, column = divmod(int(errors.argmin()), 221)
    mean = colors.mean(dim=0)
    assert abs(column - AB_REACH - mean[0]) <= 0.51
    assert abs(row - AB_REACH - mean[1]) <= 0.51
    unavoidable = (colors - mean).square().sum(dim=1).mean()
    assert math.isclose(errors[110, 110], unavoidable + mean.square().sum(), rel_tol=1e-3, abs_tol=1e-2)
