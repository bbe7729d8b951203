"""The checkers of the exercises on color and how it is measured: notebooks 00, 01, 05 and 06."""

import math

import torch
from torch import Tensor
from torch.utils.data import Dataset

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course.exercises.checker import Attempt, a_number, a_pair, a_tensor, checker, close, draw, matches
from colorstyle_lib.data.scenes import KINDS, scenes
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab
from colorstyle_lib.metrics.feature_distance import kernel_distance as library_distance


@checker("every pixel is as light as it was")
def gray_keeps_lightness(attempt: Attempt):
    """Notebook 00: the gray picture whose L is the input's."""
    rgb = torch.rand((2, 3, 6, 5), generator=torch.Generator().manual_seed(2))
    result = yield from a_tensor(attempt(rgb), rgb, "a tensor like rgb")
    yield result.max() <= 1.01, f"values go up to {float(result.max()):.0f}; sRGB goes up to 1, only L up to 100"
    yield (result - result[:, :1]).abs().max() < 1e-3, "that is not gray: R, G and B must be equal at every pixel"
    off = (rgb_to_lab(result)[:, 0] - rgb_to_lab(rgb)[:, 0]).abs().max()
    yield off < 0.05, f"it is gray, but its L is off by up to {off:.0f}: take luma_to_gray of the L of rgb_to_lab"


@checker("your search finds each target, and returns 3 where even 3 is not enough")
def saturation_for(attempt: Attempt):
    """Notebook 00: the saturation at which a picture is as colorful as wanted."""
    for target in (10.0, 33.3, 60.0, 500.0):
        tried = []

        def colorfulness_at(s: float | Tensor, tried: list[float | Tensor] = tried) -> float | Tensor:
            tried.append(s)
            return 40 * s / (1 + 0.2 * s)  # grows ever more slowly, as colors meet the border of the gamut

        s = yield from a_number(attempt(colorfulness_at, target), "the saturation")
        yield len(tried) <= 40, f"that took {len(tried)} pictures; halve the interval instead of trying them all"
        if target == 500:
            yield abs(s - 3) < 1e-3, f"500 is out of reach even at 3; then return 3, not {s:.3f}"
        else:
            yield 0 <= s <= 3, f"{s:.2f} is outside [0, 3]"
            got = colorfulness_at(s)
            yield abs(got - target) < 0.1, f"at {s:.2f} the colorfulness is {got:.1f}; the target was {target}"


@checker("L(0.5) is 53.39: the middle gray of a screen looks a little lighter than half way to white")
def lab_lightness(attempt: Attempt):
    """Notebook 01: L of one gray sRGB value in [0, 1]."""
    for gray in (0.5, 0.0, 0.01, 0.2, 0.9, 1.0):
        got = yield from a_number(attempt(gray), "your L at the end")
        want = float(rgb_to_lab(torch.full((3, 1, 1), gray))[0])
        mistakes = {
            f"L(0.5) is {want:.2f}, not half of 100: undo the sRGB curve first": 50.0,
            "that is linear light Y; its cube root is still to come": 100 * ((0.5 + 0.055) / 1.055) ** 2.4,
            "L goes up to 100, not up to 1": want / 100,
        }
        hint = f"L({gray}) should be {want:.3f}; yours is {got:.3f}"
        if gray < 0.05:  # both curves have a straight piece near black
            hint += ". Near black both curves are straight lines: mind the two thresholds"
        yield from matches(got, want, hint, mistakes if gray == 0.5 else {}, within=0.01)


@checker("from such examples a network can learn to use hints")
def hinted_dataset(attempt: Attempt):
    """Notebook 01: a data set whose inputs are L, the colors of a few random pixels, and where these are."""
    pictures = [50 + 10 * picture for picture in draw(1, (3, 6, 8), (3, 5, 5))]
    given = [picture.clone() for picture in pictures]
    examples = attempt(given, 20)
    yield isinstance(examples, Dataset), f"it makes a {type(examples).__name__}; write a class that is a Dataset"
    yield len(examples) == 2, f"for two pictures its length is {len(examples)}, not 2"
    for index, lab in enumerate(pictures):
        planes, target = yield from a_pair(examples[index], "things: input and target")
        yield all(map(torch.equal, given, pictures)), "it changes the pictures that it was given; work on a copy"
        for part, count in ((planes, 4), (target, 2)):
            yield isinstance(part, Tensor), f"input and target are tensors, not {type(part).__name__}"
            wanted = (count, *lab.shape[1:])
            yield part.shape == wanted, f"shape {tuple(part.shape)} should be {wanted}: L, a, b, mask; and a, b"
        yield close(target, lab[1:]), "the target is a and b of this picture, at every pixel"
        yield close(planes[0], lab[0]), "the first plane is L"
        mask = planes[3]
        yield ((mask == 0) | (mask == 1)).all(), "the mask is 0 or 1"
        yield mask.sum() == 20, f"with count = 20 the mask marks {int(mask.sum())} pixels"
        yield close(planes[1:3], mask * lab[1:]), "a and b are given where the mask is 1, and 0 elsewhere"
    again = torch.stack([examples[0][0][3] for _ in range(8)])
    yield (again != again[0]).any(), "the pixels never change: draw them anew at every call"


@checker("the best guess is the mean; it is pale because opposite colors cancel")
def best_guess(attempt: Attempt):
    """Notebook 01: the guess of least expected square error, and the share of chroma that it loses."""
    cases = [(torch.tensor(kind.colors), None) for kind in KINDS if kind.ambiguous]
    cases.append((cases[0][0], torch.tensor([0.9, 0.1])))  # the same two colors, one of them rare
    for colors, chances in cases:
        chances = torch.full((len(colors),), 1 / len(colors)) if chances is None else chances
        both = attempt(colors, chances)
        guess, loss = yield from a_pair(both, "things: the guess (a, b), and then the share of chroma that it loses")
        loss = yield from a_number(loss, "one number, the share lost, as the second of both")
        guess = torch.as_tensor(guess, dtype=torch.float32)
        yield guess.shape == (2,), f"the guess is one (a, b), of shape (2,), not {tuple(guess.shape)}"
        mean = chances @ colors
        plain = {"right for equal chances; now weigh each color by its chance": colors.mean(dim=0)}
        hint = "another guess has a smaller expected square error: set the derivative to zero"
        yield from matches(guess, mean, hint, plain, within=1e-2)
        want = 1 - float(mean.norm()) / float(chances @ colors.norm(dim=1))
        yield abs(loss - want) < 1e-3, f"right guess; the loss is 1 - its chroma / average = {want:.3f}, not {loss:.3f}"


@checker("19 for the four numbers of section 3, and no picture is compared with itself")
def kernel_distance(attempt: Attempt):
    """The kernel distance of two sets: the mean of h over i other than j."""
    x, y = draw(5, (6, 4), (6, 4))
    y = y + 0.5
    got = yield from a_number(attempt(x, y), "one number")
    want = library_distance(x, y)
    hint = f"on six points each it should be {want:.4f}, not {got:.4f}"
    yield from matches(got, want, hint, _kernel_mistakes(x.double(), y.double()))
    yield close(float(attempt(x, x)), 0.0, within=1e-6), "of a set and itself it should be 0"
    one, two = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    yield close(float(attempt(one, two)), 19.0), "on the four numbers of section 3 it should be 19"


def _kernel_mistakes(x: Tensor, y: Tensor) -> dict[str, float]:
    """What comes out where something is forgotten, by the hint."""

    def kernels(degree: int = 3, features: int = x.shape[1]) -> list[Tensor]:
        return [((one @ other.T) / features + 1) ** degree for one, other in ((x, x), (y, y), (x, y))]

    def pairs(**options: int) -> Tensor:
        xx, yy, xy = kernels(**options)
        return xx + yy - xy - xy.T

    def mean_of_others(h: Tensor) -> float:
        return float((h.sum() - h.diag().sum()) / (len(h) * (len(h) - 1)))

    n, (xx, yy, xy) = len(x), kernels()
    own_photograph = "k(x_i, y_j) is taken over i = j, too: a result is held against its own real picture"
    return {
        own_photograph: mean_of_others(xx) + mean_of_others(yy) - 2 * float(xy.mean()),
        "every picture is also compared with itself: leave out i = j": float(pairs().mean()),
        "the pairs i = j are out of the sum; divide by n (n - 1) then": mean_of_others(pairs()) * (n - 1) / n,
        "x . y is to be divided by the number of features d": mean_of_others(pairs(features=1)),
        "without the cube it sees the means and nothing else": mean_of_others(pairs(degree=1)),
    }


@checker()
def paired_interval(attempt: Attempt):
    """Notebook 05: a 95 % bootstrap interval of the mean difference of two methods on the same pictures."""
    theirs, better = draw(6, (200,), (200,))
    theirs = 26 + 4 * theirs
    ours = theirs + 0.3 + better
    low, high = yield from a_pair(attempt(ours, theirs), "numbers: low, high", numbers=True)
    yield math.isfinite(low) and math.isfinite(high), f"({low}, {high}) is no interval"
    yield low < high, "the lower end comes first, and the two differ: are any pictures drawn?"
    deviation, width = float((ours - theirs).std(correction=0)), high - low
    right = 2 * 1.96 * deviation / 200**0.5
    apart = 2 * 1.96 * float((ours.var(correction=0) + theirs.var(correction=0)).sqrt()) / 200**0.5
    yield abs(width - apart) > 0.2 * apart, "the same pictures must be drawn for both methods: this is called pairing"
    yield width < 3 * deviation, "this is how far single pictures differ; the interval is about *means* of samples"
    hint = f"its width is {width:.3f}; about {right:.3f} is right: 95 % (2.5 % are left out at each end) of "
    yield 0.89 * right < width < 1.12 * right, f"{hint}at least 1000 drawn samples of all 200"
    off = abs((low + high) / 2 - float((ours - theirs).mean()))
    yield off < 0.25 * right, "its middle is not near the mean of ours - theirs"
    return f"[{low:.2f}, {high:.2f}], where drawing the two separately would give a width of {apart:.1f}"


@checker()
def fool_colorfulness(attempt: Attempt):
    """A coloring as colorful as the real picture, and farther from it than gray."""
    real = scenes(3, 48, 7).rgb
    result = yield from a_tensor(attempt(real), real, "a tensor like rgb")
    yield result.min() >= -1e-4 and result.max() <= 1 + 1e-4, "sRGB lies in [0, 1]: fit_gamut before lab_to_rgb"
    lab, wanted = rgb_to_lab(result.clamp(0, 1)), rgb_to_lab(real)
    moved = float((lab[:, 0] - wanted[:, 0]).abs().max())
    yield moved < 0.5, f"L has moved by up to {moved:.1f}; a coloring must not change it"
    ratio = float(colorfulness(result).mean() / colorfulness(real).mean())
    ours = float(psnr_ab(lab[:, 1:], wanted[:, 1:]).mean())
    gray = float(psnr_ab(torch.zeros_like(wanted[:, 1:]), wanted[:, 1:]).mean())
    yield ours < gray, f"its PSNR ab is {ours:.1f} dB, gray's {gray:.1f}: it is too good, make it worse"
    yield 0.9 <= ratio <= 1.1, f"wrong enough, but its colorfulness is {ratio:.0%} of the real; 90 to 110 % is right"
    return f"{ratio:.0%} as colorful as the real at {ours:.1f} dB, where gray has {gray:.1f}"


@checker("the line is steep where b changes with L, and flat where it does not")
def guided_line(attempt: Attempt):
    """Slope and offset of one window: least squares with the slope held back by epsilon."""
    random = torch.Generator().manual_seed(3)
    L = 20 + 60 * torch.rand(25, generator=random)
    b = 0.4 * L - 9 + 4 * torch.randn(25, generator=random)
    variance, covariance = float(L.var(correction=0)), float(((L - L.mean()) * (b - b.mean())).mean())
    for epsilon in (0.0, 4.0, 400.0):
        slope, offset = yield from a_pair(attempt(L, b, epsilon), "numbers: slope, offset", numbers=True)
        want, unbiased = covariance / (variance + epsilon), covariance / (variance + epsilon * 24 / 25)
        mistakes = {
            "right without epsilon; add it to the variance of L": covariance / variance,
            "divide by the number of pixels, not by one less: correction=0": unbiased,
            "that is the slope of L as a line in b; b is to be a line in L": covariance / float(b.var(correction=0)),
        }
        hint = f"with epsilon = {epsilon:g} the slope should be {want:.4f}, not {slope:.4f}"
        yield from matches(slope, want, hint, mistakes)
        line = float(b.mean()) - want * float(L.mean())
        hint = "the slope is right; the line must pass through the mean of L and the mean of b"
        yield close(offset, line, within=1e-3), hint
    flat = [float(one) for one in attempt(torch.full((25,), 50.0), b, 4.0)]
    yield close(flat, (0.0, float(b.mean())), within=1e-3), "where L is flat only the mean of b is left"


@checker("the less a coloring agrees with the truth, the paler it should be by squared error")
def best_saturation(attempt: Attempt):
    """Notebook 06: the saturation in [0, 3] of least squared ab error."""
    truth, noise = draw(4, (1, 2, 12, 10), (1, 2, 12, 10))
    truth = 30 * truth
    noisy = 0.5 * truth + 10 * noise
    cases = {"pale": noisy, "loud": 3 * noisy, "all wrong": -truth, "far too pale": 0.1 * truth, "gray": 0 * truth}
    for name, predicted in cases.items():
        got = yield from a_number(attempt(predicted, truth), "one number")
        yield math.isfinite(got), f"on a prediction that is {name} it returns {got}, which is not a number"
        yield name != "gray" or 0 <= got <= 3, "gray stays gray at any saturation; but it lies in [0, 3]"
        if name == "gray":
            continue
        free = float((predicted * truth).sum() / predicted.square().sum())
        want = min(max(free, 0.0), 3.0)
        by_chroma = float(truth.norm(dim=1).mean() / predicted.norm(dim=1).mean())
        mistakes = {
            "that makes chroma as large as the truth's; the least squared error is elsewhere": by_chroma,
            f"right in general, but saturation lies in [0, 3]: {free:.1f} should become {want:.0f}": free,
        }
        hint = f"on a prediction that is {name} the best is {want:.2f}, not {got:.2f}: the error is a parabola in s"
        yield from matches(got, want, f"{hint}; where is its derivative 0?", mistakes, within=1e-2)
