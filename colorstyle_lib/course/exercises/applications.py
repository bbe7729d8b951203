"""The checkers of notebook 08: a harmonic fill, a model of haze, a walk from z to z, a step towards a goal."""

import torch
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, a_tensor, checker, close, draw, matches


@checker("every pixel is the mean of its neighbors, so nothing inside is larger or smaller than on the rim")
def harmonic_fill(attempt: Attempt):
    """Unknown pixels become the mean of their four neighbors; the others stay."""
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    plane, unknown = 10 + 3 * x + 2 * y, torch.zeros(12, 16, dtype=torch.bool)
    unknown[3:9, 4:11] = True
    result = yield from a_tensor(attempt(torch.where(unknown, 0.0, plane), unknown), plane, "a tensor like the plane")
    yield close(result[~unknown], plane[~unknown]), "pixels outside the hole must stay as they are"
    wrong = float((result - plane)[unknown].detach().abs().max())
    yield result[unknown].std() > 1, "the hole has one value for all pixels: each must be the mean of its neighbors"
    yield wrong < 0.5, f"a slope should go on through the hole; yours is up to {wrong:.1f} off: repeat until it settles"
    rows, border = torch.arange(6.0).repeat(6, 1).T.contiguous(), torch.zeros(6, 6, dtype=torch.bool)
    rows[:, 5], border[2:5, :3] = 50, True  # 50 is seen only by who takes the other side for a neighbor
    hint = "at the border a pixel has fewer neighbors: take the mean of those that exist"
    yield close(attempt(torch.where(border, 0.0, rows), border), rows, 0.1), hint


@checker("haze multiplies the contrast by 1 - t: black moves far toward the veil, white only a little")
def haze(attempt: Attempt):
    """A veil, and the picture without it: L' = (1 - t) L + t A, and back."""
    light = torch.linspace(0, 100, 11)
    for t in (0.0, 0.3, 0.8):
        hazy = yield from a_tensor(attempt(light, t, 92.0), light, "a tensor like L")
        wanted = (1 - t) * light + t * 92.0
        mistakes = {
            "a veil also hides what is behind it: L gets the weight 1 - t": light + t * 92.0,
            "t is the share of the veil, 1 - t that of the picture": t * light + (1 - t) * 92.0,
        }
        yield from matches(hazy, wanted, f"at t = {t:g} black is {wanted[0]:.1f}, white {wanted[-1]:.1f}", mistakes)


@checker("all points have the same length, and all steps the same angle")
def walk(attempt: Attempt):
    """Points between two points of noise, as long as these: spherical interpolation."""
    one, other = draw(2, (2, 64))[0]
    other = other / other.norm() * one.norm()
    points = [attempt(one, other, t) for t in (0.0, 0.25, 0.5, 1.0)]
    yield from a_tensor(points[1], one, "a point")
    yield close(points[0], one, 1e-3) and close(points[3], other, 1e-3), "t = 0 is the first, t = 1 the second"
    length = float(points[2].norm() / one.norm())
    straight = close(points[2], (one + other) / 2, 1e-3)
    yield not straight, f"half way it is only {length:.2f} times as long; noise of that length is rare: turn instead"
    yield abs(length - 1) < 0.01, f"half way it is {length:.2f} times as long as the ends"
    angles = [float(torch.nn.functional.cosine_similarity(one, p, dim=0).clamp(-1, 1).acos()) for p in points[1:]]
    yield abs(angles[0] - 0.25 * angles[2]) < 0.02, "equal steps of t should be equal angles"


@checker("a few dozen of these steps give a scene the colors of a palette, and it stays a scene")
def guided_step(attempt: Attempt):
    """One gradient step on z, as long as before: how a scene follows a palette."""
    z, target = draw(3, (2, 16))[0]
    calls: list[Tensor] = []

    def error(at: Tensor) -> Tensor:
        calls.append(at)
        return (at - target).square().sum()

    moved = (yield from a_tensor(attempt(z, error, 0.05), z, "the new z")).detach()
    yield not close(moved, z, 1e-4), "z has not moved: take the gradient of error(z) at z"
    yield float(error(moved)) < float(error(z)), "the error has grown: go against the gradient, not along it"
    yield close(moved.norm(), z.norm(), 1e-3), f"it is {float(moved.norm() / z.norm()):.2f} times as long as z"
    wanted = z - 0.05 * 2 * (z - target)
    yield (
        close(moved, wanted / wanted.norm() * z.norm(), 1e-3),
        "the step is the rate times the gradient, then the length is mended",
    )
    yield len(calls) == 3, "error should be called once: each call costs a whole scene"
