"""The checkers on color and how it is measured: each hint names its mistake."""

from functools import partial

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch.utils.data import Dataset

from colorstyle_lib.color import fit_gamut, lab_to_rgb, luma_to_gray, rgb_to_lab
from colorstyle_lib.course import exercises
from colorstyle_lib.inference.guided_upsampling import guided_coefficients
from colorstyle_lib.metrics.coloring import colorfulness
from colorstyle_lib.metrics.feature_distance import kernel_distance


def says_no(answer: str, hint: str):
    """With that hint, which is not the error of the function itself."""
    assert answer.startswith("not yet: ")
    assert "stopped with" not in answer
    assert hint in answer


def gray_from(weights):
    return lambda rgb: torch.einsum("nchw,c->nhw", rgb, torch.tensor(weights))[:, None].expand_as(rgb)


def lightened_in_place(rgb):
    rgb[:] = luma_to_gray(rgb_to_lab(rgb)[:, :1])
    return rgb


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (gray_from([1 / 3, 1 / 3, 1 / 3]), "its L is off"),
        (gray_from([0.299, 0.587, 0.114]), "its L is off"),
        (gray_from([0.2126, 0.7152, 0.0722]), "its L is off"),
        (lambda rgb: rgb_to_lab(rgb)[:, :1].expand_as(rgb), "sRGB goes up to 1, only L up to 100"),
        (lambda rgb: rgb_to_lab(rgb)[:, :1].expand_as(rgb) / 100, "luma_to_gray"),
        (lambda rgb: rgb, "R, G and B must be equal"),
        (lambda rgb: luma_to_gray(rgb_to_lab(rgb)[:, :1])[:, :1], "shape (2, 1, 6, 5), not (2, 3, 6, 5)"),
        (lambda rgb: luma_to_gray(rgb_to_lab(rgb)[:, :1]).numpy(), "ndarray; return a tensor like rgb"),
        (lambda rgb: (255 * luma_to_gray(rgb_to_lab(rgb)[:, :1])).byte(), "torch.uint8"),
        (lambda rgb: torch.log(rgb - 1), "NaN"),
        (lambda rgb: None, "NoneType; return a tensor like rgb"),
        (lightened_in_place, "work on a copy"),
    ],
)
def test_gray_hints(attempt, hint: str):
    says_no(exercises.gray_keeps_lightness(attempt), hint)


def bisected(colorfulness_at, target, *, steps=20, guard=True, high=3.0, low=0.0):
    if guard and colorfulness_at(high) < target:
        return high
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if colorfulness_at(middle) < target else (low, middle)
    return (low + high) / 2


def the_other_half(colorfulness_at, target):
    low, high = 0.0, 3.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if colorfulness_at(middle) < target else (middle, high)
    return low


def tries_all(colorfulness_at, target):
    return min((i / 1000 for i in range(3001)), key=lambda s: abs(colorfulness_at(s) - target))


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda at, target: 1.0, "at 1.00 the colorfulness is 33.3"),
        (lambda at, target: None, "NoneType; return the saturation"),
        (lambda at, target: "1.0x", "str; return the saturation"),
        (lambda at, target: (0.0, 3.0), "tuple; return the saturation"),
        (lambda at, target: target / at(1.0), "the target was"),
        (lambda at, target: at(1.0), "33.33 is outside [0, 3]"),
        (lambda at, target: float("nan"), "nan is outside"),
        (the_other_half, "the target was"),
        (tries_all, "halve the interval"),
        (lambda at, target: bisected(at, target, steps=5), "the target was"),
        (lambda at, target: bisected(at, target, high=1.0), "the target was"),
        (lambda at, target: bisected(at, target, high=100.0, guard=False, steps=40), "return 3, not 100.000"),
    ],
)
def test_saturation_for_hints(attempt, hint: str):
    says_no(exercises.saturation_for(attempt), hint)


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
        (lambda gray: 116 * srgb_to_linear(gray) ** 3 - 16, "should be"),
        (lambda gray: 116 * (gray**2.2) ** (1 / 3) - 16, "should be 53.389; yours is 53.775"),
        (lambda gray: 903.3 * srgb_to_linear(gray), "should be"),
        (lambda gray: None, "NoneType; return your L"),
        (lambda gray: [srgb_to_linear(gray)] * 3, "list; return your L"),
        (lambda gray: float("nan"), "yours is nan"),
    ],
)
def test_lightness_hints_name_the_missing_step(attempt, hint: str):
    says_no(exercises.lab_lightness(attempt), hint)


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
        planes = [L, hints, mask]
        if self.change == "mask first":
            planes = [mask, hints, L]
        elif self.change == "no mask":
            planes = [L, hints]
        elif self.change == "white mask":
            planes = [L, hints, 255 * mask]
        elif self.change == "NaN":
            planes = [L, hints / mask, mask]
        if self.change == "repeats":
            mask.view(-1)[:] = 0
            mask.view(-1)[torch.randint(L.numel(), (self.count,))] = 1
            planes = [L, mask * ab, mask]
        result = {
            "apart": (L, hints, mask),
            "None": None,
            "numpy": (torch.cat(planes).numpy(), target.numpy()),
            "swapped": (target, torch.cat(planes)),
            "last": (torch.cat(planes).permute(1, 2, 0), target),
            "first only": (torch.cat(planes), self.pictures[0][1:]),
        }
        return result.get(self.change, (torch.cat(planes), target))


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("length", "its length is 3"),
        ("apart", "return two things"),
        ("more", "marks 21 pixels"),
        ("fixed", "at every call"),
        ("all", "0 elsewhere"),
        ("hints only", "at every pixel"),
        ("spoils", "work on a copy"),
        ("repeats", "with count = 20 the mask marks"),
        ("mask first", "the first plane is L"),
        ("no mask", "shape (3, 6, 8) should be (4, 6, 8)"),
        ("white mask", "the mask is 0 or 1"),
        ("NaN", "0 elsewhere"),
        ("None", "NoneType; return two things"),
        ("numpy", "tensors, not ndarray"),
        ("swapped", "shape (2, 6, 8) should be (4, 6, 8)"),
        ("last", "shape (6, 8, 4) should be (4, 6, 8)"),
        ("first only", "shape (2, 6, 8) should be (2, 5, 5)"),
    ],
)
def test_dataset_hints_name_the_mistake(change: str, hint: str):
    assert exercises.hinted_dataset(Hinted).startswith("yes: ")
    says_no(exercises.hinted_dataset(lambda pictures, count: Hinted(pictures, count, change)), hint)


def guessed(colors, chances):
    guess = chances @ colors
    return guess, 1 - guess.norm() / (chances @ colors.norm(dim=1))


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
        (lambda colors, chances: guessed(colors, chances)[::-1], "one number, the share lost, as the second"),
        (lambda colors, chances: (guessed(colors, chances)[0], 1 - guessed(colors, chances)[1]), "the loss is"),
        (lambda colors, chances: (guessed(colors, chances)[0], 100 * guessed(colors, chances)[1]), "the loss is"),
        (lambda colors, chances: (guessed(colors, chances)[0], float("nan")), "not nan"),
        (lambda colors, chances: (guessed(colors, chances)[0], None), "NoneType; return one number"),
        (lambda colors, chances: (colors.median(dim=0).values, 0.5), "smaller expected square error"),
        (lambda colors, chances: (colors[chances.argmax()], 0.0), "smaller expected square error"),
        (lambda colors, chances: guessed(colors.mul_(2), chances), "work on a copy"),
    ],
)
def test_best_guess_hints_name_the_mistake(attempt, hint: str):
    says_no(exercises.best_guess(attempt), hint)


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
        (lambda x, y: (x.mean(0) - y.mean(0)).square().mean(), "it should be"),
        (lambda x, y: off_diagonal(pairs(x.T, y.T)), "it should be"),
        (lambda x, y: off_diagonal(kernel(x, x) + kernel(y, y) - kernel(x, y)), "it should be"),
        (lambda x, y: kernel_distance(x, y) ** 0.5, "it should be"),
        (lambda x, y: pairs(x, y), "Tensor; return one number"),
        (lambda x, y: float("nan"), "not nan"),
        (lambda x, y: None, "NoneType; return one number"),
        (lambda x, y: kernel_distance(x.sub_(x.mean(0)), y), "work on a copy"),
    ],
)
def test_kernel_hints(attempt, hint: str):
    says_no(exercises.kernel_distance(attempt), hint)


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
        (lambda x, y: bootstrapped(x, y, level=0.9), "2.5 % are left out at each end"),
        (lambda x, y: bootstrapped(x, y, level=0.99), "2.5 % are left out at each end"),
        (lambda x, y: bootstrapped(x, y, shift=1.0), "middle"),
        (lambda x, y: ((x - y).mean() - (x - y).std(), (x - y).mean() + (x - y).std()), "is right"),
        (lambda x, y: (float("nan"), 1.0), "is no interval"),
        (lambda x, y: (None, None), "NoneType; return two numbers"),
        (lambda x, y: None, "NoneType; return two numbers"),
        (lambda x, y: bootstrapped(x.sort().values, y.sort().values), "is right"),
        (lambda x, y: bootstrapped(x.sub_(y.mean()), y), "work on a copy"),
    ],
)
def test_interval_hints(attempt, hint: str):
    torch.manual_seed(0)
    says_no(exercises.paired_interval(attempt), hint)


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
        (lambda rgb: rgb.mean(dim=1, keepdim=True).expand_as(rgb), "L has moved"),
        (lambda rgb: luma_to_gray(rgb_to_lab(rgb)[:, :1]), "it is too good"),
        (lambda rgb: rgb.flip(1), "L has moved"),
        (lambda rgb: opposite(rgb) / 0, "NaN or infinite"),
        (lambda rgb: opposite(rgb).numpy(), "ndarray; return a tensor"),
        (lambda rgb: None, "NoneType; return a tensor"),
    ],
)
def test_cheating_hints(attempt, hint: str):
    says_no(exercises.fool_colorfulness(attempt), hint)


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
        (lambda L, b, epsilon: line(b, L, epsilon), "L as a line in b"),
        (lambda L, b, epsilon: line(L, b, epsilon)[::-1], "with epsilon = 0 the slope"),
        (lambda L, b, epsilon: line(L, b, epsilon**2), "with epsilon = 4 the slope"),
        (lambda L, b, epsilon: line(L, b, epsilon / 25), "with epsilon = 4 the slope"),
        (lambda L, b, epsilon: (line(L, b, epsilon)[0], L.mean()), "through the mean"),
        (lambda L, b, epsilon: line(L, b, max(epsilon, 1e-6)) if L.std() else (0.0, 0.0), "where L is flat"),
        (lambda L, b, epsilon: (float("nan"), 0.0), "not nan"),
        (lambda L, b, epsilon: (L - L.mean(), b.mean()), "Tensor; return two numbers"),
        (lambda L, b, epsilon: None, "NoneType; return two numbers"),
        (lambda L, b, epsilon: line(L.sub_(50), b, epsilon), "work on a copy"),
    ],
)
def test_line_hints(attempt, hint: str):
    says_no(exercises.guided_line(attempt), hint)


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
        (saturated_in_place, "work on a copy"),
        (lambda p, t: ((p * t).sum() / p.square().sum()).clamp(0, 3), "which is not a number"),
        (lambda p, t: best(t, p).clamp(0, 3), "parabola"),
        (lambda p, t: (p * t).sum().clamp(0, 3), "parabola"),
        (lambda p, t: 2 * best(p, t).clamp(0, 3), "parabola"),
        (lambda p, t: best(p, t).clamp(0, 1), "parabola"),
        (lambda p, t: (t / p).mean(), "parabola"),
        (lambda p, t: best(p, t).clamp(0, 3) * p, "Tensor; return one number"),
        (lambda p, t: None, "NoneType; return one number"),
    ],
)
def test_saturation_hints(attempt, hint: str):
    says_no(exercises.best_saturation(attempt), hint)


def test_the_best_saturation_is_found_by_search_too():
    def search(predicted, truth):
        values = torch.linspace(0, 3, 601)
        return values[torch.stack([(s * predicted - truth).square().sum() for s in values]).argmin()]

    assert exercises.best_saturation(search).startswith("yes: ")


def gray_by_search(rgb):
    """The gray value of each pixel by bisection of L, one picture after the other."""
    grays = []
    for picture in rgb.double():
        low, high = torch.zeros(picture.shape[1:]).double(), torch.ones(picture.shape[1:]).double()
        for _ in range(30):
            middle = (low + high) / 2
            darker = rgb_to_lab(middle.expand(3, -1, -1))[0] < rgb_to_lab(picture)[0]
            low, high = torch.where(darker, middle, low), torch.where(darker, high, middle)
        grays.append(middle.expand(3, -1, -1))
    return torch.stack(grays)


def gray_without_color(rgb):
    lab = rgb_to_lab(rgb)
    lab[:, 1:] = 0
    return lab_to_rgb(lab).clamp(0, 1)


def by_secants(colorfulness_at, target):
    """Regula falsi, as tensors."""
    low, high = torch.tensor(0.0, dtype=torch.float64), torch.tensor(3.0, dtype=torch.float64)
    at_low, at_high = colorfulness_at(low), colorfulness_at(high)
    if at_high <= target:
        return high
    for _ in range(30):
        s = low + (target - at_low) / (at_high - at_low) * (high - low)
        found = colorfulness_at(s)
        if found < target:
            low, at_low = s, found
        else:
            high, at_high = s, found
    return s


def lightness_by_library(gray):
    return rgb2lab(np.full((1, 1, 3), gray))[0, 0, 0]


def lightness_of_tensors(gray):
    gray = torch.tensor([gray])
    y = torch.where(gray > 0.04045, ((gray + 0.055) / 1.055) ** 2.4, gray / 12.92)
    return torch.where(y > 216 / 24389, 116 * y.pow(1 / 3) - 16, 24389 / 27 * y)


class HintedByNumPy(Dataset):
    """Another way: a list of random places, and planes that are filled one by one."""

    def __init__(self, pictures, count):
        self.pictures, self.count, self.random = pictures, count, np.random.default_rng(0)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        lab = self.pictures[index].numpy()
        planes = np.zeros((4, *lab.shape[1:]))
        planes[0] = lab[0]
        for place in self.random.choice(lab[0].size, self.count, replace=False):
            row, column = divmod(int(place), lab.shape[2])
            planes[1:3, row, column], planes[3, row, column] = lab[1:, row, column], 1
        return [torch.from_numpy(planes), torch.from_numpy(lab[1:])]


def guess_in_a_loop(colors, chances):
    a = sum(chance * color[0] for chance, color in zip(chances.tolist(), colors.tolist(), strict=True))
    b = sum(chance * color[1] for chance, color in zip(chances.tolist(), colors.tolist(), strict=True))
    chroma = sum(c * (u**2 + v**2) ** 0.5 for c, (u, v) in zip(chances.tolist(), colors.tolist(), strict=True))
    return [a, b], 1 - (a**2 + b**2) ** 0.5 / chroma


def guess_by_descent(colors, chances):
    guess = torch.zeros(2, requires_grad=True)
    for _ in range(200):
        (gradient,) = torch.autograd.grad((chances * (colors - guess).square().sum(1)).sum(), guess)
        guess = (guess - 0.25 * gradient).detach().requires_grad_()
    return guess, 1 - torch.hypot(*guess).item() / torch.linalg.vecdot(chances, colors.norm(dim=1)).item()


def kernel_in_loops(x, y):
    x, y = x.double().numpy(), y.double().numpy()

    def k(one, other):
        return (float(np.dot(one, other)) / len(one) + 1) ** 3

    n = len(x)
    others = [(i, j) for i in range(n) for j in range(n) if i != j]
    return sum(k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i]) for i, j in others) / len(others)


def kernel_masked(x, y):
    h = pairs(x, y).masked_fill(torch.eye(len(x), dtype=torch.bool), 0.0)
    return h.sum(dim=1).mean() / (len(x) - 1)


def interval_by_numpy(ours, theirs):
    difference, random = (ours - theirs).numpy(), np.random.default_rng(3)
    means = [random.choice(difference, 200).mean() for _ in range(1500)]
    return list(np.percentile(means, [2.5, 97.5]))


def interval_as_tensor(ours, theirs):
    draw = torch.multinomial(torch.ones(1200, 200), 200, replacement=True)
    means = (ours[draw].mean(1) - theirs[draw].mean(1)).sort().values
    return torch.stack((means[30], means[-31]))


def quarter_turn(rgb):
    """Another wrong hue; its strength by trial."""
    lab = rgb_to_lab(rgb)
    tried = []
    for strength in torch.linspace(0.5, 2.0, 31):
        result = lab_to_rgb(fit_gamut(torch.stack((lab[:, 0], -strength * lab[:, 2], strength * lab[:, 1]), dim=1)))
        tried.append((abs(colorfulness(result).mean() - colorfulness(rgb).mean()).item(), result))
    return min(tried, key=lambda one: one[0])[1]


def line_by_numpy(L, b, epsilon):
    covariance = np.cov(np.stack((L.numpy(), b.numpy())).astype(np.float64), bias=True)
    slope = covariance[0, 1] / (covariance[0, 0] + epsilon)
    return np.array([slope, b.numpy().mean() - slope * L.numpy().mean()]).tolist()


def line_by_least_squares(L, b, epsilon):
    """Ridge regression: one more row, which pulls the slope to 0."""
    rows = torch.stack((L - L.mean(), torch.ones_like(L)), dim=1).double()
    rows = torch.cat((rows, torch.tensor([[(epsilon * len(L)) ** 0.5, 0.0]])))
    slope, level = torch.linalg.lstsq(rows, torch.cat((b, torch.zeros(1))).double()[:, None]).solution[:, 0]
    return torch.stack((slope, level - slope * L.mean()))


def saturation_of_three(predicted, truth):
    """The lowest point of the parabola through three errors."""
    errors = [((s * predicted - truth) ** 2).double().sum().item() for s in (0.0, 1.0, 2.0)]
    curvature = errors[0] - 2 * errors[1] + errors[2]
    return min(3.0, max(0.0, 1 - (errors[2] - errors[0]) / 2 / curvature)) if curvature > 1e-9 else 0.0


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (exercises.gray_keeps_lightness, gray_by_search),
        (exercises.gray_keeps_lightness, gray_without_color),
        (exercises.saturation_for, by_secants),
        (exercises.saturation_for, bisected),
        (exercises.saturation_for, partial(bisected, guard=False)),
        (exercises.lab_lightness, lightness_by_library),
        (exercises.lab_lightness, lightness_of_tensors),
        (exercises.hinted_dataset, HintedByNumPy),
        (exercises.best_guess, guess_in_a_loop),
        (exercises.best_guess, guess_by_descent),
        (exercises.kernel_distance, kernel_in_loops),
        (exercises.kernel_distance, kernel_masked),
        (exercises.paired_interval, interval_by_numpy),
        (exercises.paired_interval, interval_as_tensor),
        (exercises.fool_colorfulness, quarter_turn),
        (exercises.fool_colorfulness, lambda rgb: opposite(rgb).double()),
        (exercises.guided_line, line_by_numpy),
        (exercises.guided_line, line_by_least_squares),
        (exercises.best_saturation, saturation_of_three),
        (exercises.best_saturation, lambda p, t: best(p.double(), t.double()).clamp(0, 3).item()),
    ],
)
def test_a_right_answer_written_in_another_way_passes(check, attempt):
    torch.manual_seed(0)
    assert check(attempt).startswith("yes: ")
