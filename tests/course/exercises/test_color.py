"""The checkers on color and how it is measured: each hint names its mistake."""

import math

import pytest
import torch
from torch.utils.data import Dataset

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.course import exercises
from colorstyle_lib.inference.guided_upsampling import guided_coefficients
from colorstyle_lib.metrics.feature_distance import kernel_distance


def srgb_to_linear(gray: float) -> float:
    return gray / 12.92 if gray <= 0.04045 else ((gray + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda gray: 100 * gray, "undo the sRGB curve"),
        (lambda gray: 100 * srgb_to_linear(gray), "cube root"),
        (lambda gray: 1.16 * srgb_to_linear(gray) ** (1 / 3) - 0.16, "not up to 1"),
        (lambda gray: 116 * srgb_to_linear(gray) ** (1 / 3) - 16, "straight lines"),
        (lambda gray: 116 * srgb_to_linear(gray) ** (1 / 3), "should be"),
    ],
)
def test_lightness_hints_name_the_missing_step(attempt, hint: str):
    assert hint in exercises.lab_lightness(attempt)


def in_place(lab, keep):
    lab[1:] *= keep
    return lab


def turned(lab, keep):
    return torch.stack((lab[0], -keep * lab[2], keep * lab[1]))


class Hinted(Dataset):
    """A right answer, with one thing changed."""

    def __init__(self, pictures, count, change=""):
        self.pictures, self.count, self.change = pictures, count, change

    def __len__(self):
        return 3 if self.change == "length" else len(self.pictures)

    def __getitem__(self, index):
        L, ab = self.pictures[index].split([1, 2])
        mask = torch.zeros(L.numel())
        where = torch.arange(L.numel()) if self.change == "fixed" else torch.randperm(L.numel())
        mask[where[: self.count + (self.change == "more")]] = 1
        mask = mask.view_as(L)
        if self.change == "spoils":
            self.pictures[index][0] += 1.0
        hints = ab if self.change == "all" else mask * ab
        target = mask * ab if self.change == "hints only" else ab
        return (L, hints, mask) if self.change == "apart" else (torch.cat([L, hints, mask]), target)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("length", "its length is 3"),
        ("apart", "return two things"),
        ("more", "marks 8 pixels"),
        ("fixed", "at every call"),
        ("all", "0 elsewhere"),
        ("hints only", "at every pixel"),
        ("spoils", "work on a copy"),
    ],
)
def test_dataset_hints_name_the_mistake(change: str, hint: str):
    assert exercises.hinted_dataset(Hinted).startswith("yes: ")
    assert hint in exercises.hinted_dataset(lambda pictures, count: Hinted(pictures, count, change))


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (
            lambda colors, chances: (colors.mean(dim=0), 1 - colors.mean(dim=0).norm() / colors.norm(dim=1).mean()),
            "weigh",
        ),
        (lambda colors, chances: (colors[0], 0.0), "smaller expected square error"),
        (lambda colors, chances: (chances @ colors, 0.5), "the loss is"),
        (lambda colors, chances: chances @ colors, "return two things"),
        (lambda colors, chances: (colors, 0.0), "one (a, b)"),
    ],
)
def test_best_guess_hints_name_the_mistake(attempt, hint: str):
    assert hint in exercises.best_guess(attempt)


def kernel(x, y, degree=3, divide=True):
    return (x @ y.T / (x.shape[1] if divide else 1) + 1) ** degree


def pairs(x, y, **options):
    cross = kernel(x, y, **options)
    return kernel(x, x, **options) + kernel(y, y, **options) - cross - cross.T


def off_diagonal(h):
    return (h.sum() - h.diagonal().sum()) / (len(h) * (len(h) - 1))


def unpaired(x, y):
    return off_diagonal(kernel(x, x)) + off_diagonal(kernel(y, y)) - 2 * kernel(x, y).mean()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y: pairs(x, y).mean(), "leave out i = j"),
        (lambda x, y: (pairs(x, y).sum() - pairs(x, y).diagonal().sum()) / len(x) ** 2, "divide by n (n - 1)"),
        (lambda x, y: off_diagonal(pairs(x, y, divide=False)), "number of features"),
        (lambda x, y: off_diagonal(pairs(x, y, degree=1)), "cube"),
        (unpaired, "against its own real picture"),
        (lambda x, y: -kernel_distance(x, y), "it should be"),
    ],
)
def test_kernel_hints(attempt, hint: str):
    assert hint in exercises.kernel_distance(attempt)


def test_the_librarys_kernel_distance_passes():
    assert exercises.kernel_distance(kernel_distance).startswith("yes: ")


def bootstrapped(ours, theirs, *, apart=False, level=0.95, size=200, shift=0.0):
    one = torch.randint(len(ours), (1000, size))
    other = torch.randint(len(ours), (1000, size)) if apart else one
    difference = ours[one].mean(1) - theirs[other].mean(1) + shift
    return difference.quantile((1 - level) / 2), difference.quantile((1 + level) / 2)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y: bootstrapped(x, y, apart=True), "the same pictures"),
        (lambda x, y: tuple((x - y).quantile(torch.tensor([0.025, 0.975]))), "single pictures"),
        (lambda x, y: bootstrapped(x, y, level=0.5), "is right"),
        (lambda x, y: bootstrapped(x, y, size=50), "is right"),
        (lambda x, y: bootstrapped(y, x), "middle"),
        (lambda x, y: bootstrapped(x, y)[::-1], "lower end"),
        (lambda x, y: ((x - y).mean(), (x - y).mean()), "are any pictures drawn"),
        (lambda x, y: (x - y).mean(), "two numbers"),
    ],
)
def test_interval_hints(attempt, hint: str):
    torch.manual_seed(0)
    assert hint in exercises.paired_interval(attempt)


@pytest.mark.parametrize("seed", range(5))
def test_any_draw_of_a_right_interval_passes(seed: int):
    torch.manual_seed(seed)
    assert exercises.paired_interval(bootstrapped).startswith("yes: ")


def opposite(rgb, strength=0.8, fitted=True):
    lab = rgb_to_lab(rgb)
    wrong = torch.cat((lab[:, :1], -strength * lab[:, 1:]), dim=1)
    return lab_to_rgb(fit_gamut(wrong) if fitted else wrong)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda rgb: rgb.clone(), "too good"),
        (lambda rgb: opposite(rgb, 0.2), "90 to 110 %"),
        (lambda rgb: opposite(rgb, 2.0), "90 to 110 %"),
        (lambda rgb: 1 - rgb, "L has moved"),
        (lambda rgb: opposite(rgb, 2.0) + 0.5, "lies in [0, 1]"),
        (lambda rgb: rgb.mul_(0.5), "work on a copy"),
        (lambda rgb: rgb[0], "shape"),
    ],
)
def test_cheating_hints(attempt, hint: str):
    assert hint in exercises.fool_colorfulness(attempt)


def test_opposite_hues_of_the_right_strength_pass():
    assert exercises.fool_colorfulness(opposite).startswith("yes: ")


def line(L, b, epsilon, correction=0):
    covariance = ((L - L.mean()) * (b - b.mean())).sum() / (len(L) - correction)
    slope = covariance / (L.var(correction=correction) + epsilon)
    return slope, b.mean() - slope * L.mean()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda L, b, epsilon: line(L, b, epsilon)[0], "return two numbers"),
        (lambda L, b, epsilon: line(L, b, 0.0), "add it to the variance"),
        (lambda L, b, epsilon: line(L, b, epsilon, correction=1), "correction=0"),
        (lambda L, b, epsilon: (line(L, b, epsilon)[0], b.mean()), "through the mean"),
        (lambda L, b, epsilon: (0.0, b.mean()), "with epsilon = 0"),
    ],
)
def test_line_hints(attempt, hint: str):
    assert hint in exercises.guided_line(attempt)


def test_the_librarys_own_filter_fits_that_line():
    def attempt(L, b, epsilon):
        planes = (plane.view(1, 1, 5, 5) for plane in (L, b))
        slope, offset = guided_coefficients(*planes, radius=4, epsilon=max(epsilon, 1e-9))
        return slope[0, 0, 2, 2], offset[0, 0, 2, 2]  # every window holds all 25 pixels

    assert exercises.guided_line(attempt).startswith("yes: ")


def best(predicted, truth):
    return (predicted * truth).sum() / predicted.square().sum().clamp_min(1e-9)


def saturated_in_place(predicted, truth):
    s = best(predicted, truth).clamp(0, 3)
    predicted *= s
    return s


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda p, t: t.norm(dim=1).mean() / p.norm(dim=1).mean(), "least squared error is elsewhere"),
        (lambda p, t: 1.0, "parabola"),
        (best, "lies in [0, 3]"),
        (saturated_in_place, "changes the prediction"),
        (lambda p, t: ((p * t).sum() / p.square().sum()).clamp(0, 3), "which is not a number"),
    ],
)
def test_saturation_hints(attempt, hint: str):
    assert hint in exercises.best_saturation(attempt)


def test_the_best_saturation_is_found_by_search_too():
    def search(predicted, truth):
        values = torch.linspace(0, 3, 601)
        return values[torch.stack([(s * predicted - truth).square().sum() for s in values]).argmin()]

    assert exercises.best_saturation(search).startswith("yes: ")


def greedy(spread, count, apart):
    found = []
    for i in spread.flatten().argsort(descending=True).tolist():
        place = (i % spread.shape[1], i // spread.shape[1])
        if len(found) < count and all(math.dist(place, other) >= apart for other in found):
            found.append(place)
    return found


def strikes_out(spread, count, apart):
    spread[:] = 0.0
    return [(4, 3), (15, 9), (15, 3)]
