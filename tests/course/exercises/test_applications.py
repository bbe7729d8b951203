"""The checkers of notebook 08: each hint names its mistake."""

import pytest
import torch

from colorstyle_lib.course import exercises


def relax(plane, unknown, steps=2000):
    plane = torch.where(unknown, plane[~unknown].mean(), plane)
    for _ in range(steps):
        padded = torch.nn.functional.pad(plane[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
        mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        plane = torch.where(unknown, mean, plane)
    return plane


def from_left(plane, unknown):
    """Each unknown pixel from its left neighbor alone."""
    plane = plane.clone()
    for row, column in unknown.nonzero().tolist():
        plane[row, column] = plane[row, column - 1]
    return plane


def around(plane, unknown, neighbors=((1, 0), (-1, 0), (1, 1), (-1, 1))):
    """The border's neighbor is the opposite border, as ``roll`` has it."""
    for _ in range(2000):
        mean = sum(plane.roll(*way) for way in neighbors) / 4
        plane = torch.where(unknown, mean, plane)
    return plane


def with_zeros(plane, unknown):
    """Outside the picture everything is 0."""
    kernel = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])[None, None] / 4
    for _ in range(2000):
        plane = torch.where(unknown, torch.nn.functional.conv2d(plane[None, None], kernel, padding=1)[0, 0], plane)
    return plane


def in_place(plane, unknown):
    plane[unknown] = 0.5
    return plane


def mean_of_rim(plane, unknown):
    return torch.where(unknown, plane[~unknown].mean(), plane)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda plane, unknown: None, "return a tensor"),
        (lambda plane, unknown: relax(plane, unknown)[None], "shape (1, 12, 16)"),
        (lambda plane, unknown: relax(plane, unknown).long(), "torch.int64"),
        (lambda plane, unknown: relax(plane, unknown).numpy(), "ndarray; return a tensor"),
        (in_place, "work on a copy"),
        (lambda plane, unknown: plane * 0, "must stay"),
        (lambda plane, unknown: relax(plane, ~unknown), "must stay"),
        (mean_of_rim, "one value for all pixels"),
        (lambda plane, unknown: plane, "one value for all pixels"),
        (lambda plane, unknown: relax(plane, unknown, 3), "repeat until it settles"),
        (lambda plane, unknown: relax(plane, unknown, 1), "repeat until it settles"),
        (from_left, "repeat until it settles"),
        (lambda plane, unknown: torch.where(unknown, plane / 0, plane), "NaN"),
        (lambda plane, unknown: torch.where(unknown[0, 0], plane * float("nan"), around(plane, unknown)), "fewer"),
        (around, "fewer neighbors"),
        (with_zeros, "fewer neighbors"),
    ],
)
def test_harmonic_fill_hints(attempt, hint):
    answer = exercises.harmonic_fill(attempt)
    assert answer.startswith("not yet: ")
    assert hint in answer


def solved(plane, unknown):
    """Not by repetition, but by the linear equations of all unknown pixels."""
    places = [tuple(place) for place in unknown.nonzero().tolist()]
    A, right = torch.zeros(len(places), len(places)), torch.zeros(len(places))
    for i, (row, column) in enumerate(places):
        for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= near[0] < plane.shape[0] and 0 <= near[1] < plane.shape[1]:
                A[i, i] += 1
                if near in places:
                    A[i, places.index(near)] -= 1
                else:
                    right[i] += plane[near]
    filled = plane.clone()
    filled[unknown] = torch.linalg.solve(A, right)
    return filled


def one_by_one(plane, unknown):
    """Pixel after pixel, each from the newest values, in lists and double precision."""
    rows = plane.double().tolist()
    for _ in range(150):
        for y, x in unknown.nonzero().tolist():
            near = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            near = [rows[v][u] for v, u in near if 0 <= v < len(rows) and 0 <= u < len(rows[0])]
            rows[y][x] = sum(near) / len(near)
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("attempt", [relax, solved, one_by_one])
def test_harmonic_fill_says_yes(attempt):
    assert exercises.harmonic_fill(attempt).startswith("yes: ")


def veiled_in_place(L, t, A):
    return L.mul_(1 - t).add_(t * A)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda L, t, A: L + t * A, "weight 1 - t"),
        (lambda L, t, A: t * L + (1 - t) * A, "t is the share of the veil"),
        (lambda L, t, A: L, "at t = 0.3 black is 27.6, white 97.6"),
        (lambda L, t, A: (1 - t) * L, "at t = 0.3 black is 27.6"),
        (lambda L, t, A: (1 - t) * L + t, "at t = 0.3 black is 27.6"),
        (lambda L, t, A: (1 - t) * L + t * 100, "at t = 0.3 black is 27.6"),
        (lambda L, t, A: ((1 - t) * L + t * A) / 100, "at t = 0 black is 0.0, white 100.0"),
        (lambda L, t, A: ((1 - t) * L + t * A).mean(), "shape ()"),
        (lambda L, t, A: ((1 - t) * L + t * A).tolist(), "list; return a tensor"),
        (lambda L, t, A: ((1 - t) * L + t * A).round().int(), "torch.int32"),
        (lambda L, t, A: L * (t / t if t else float("nan")), "NaN"),
        (lambda L, t, A: None, "NoneType; return a tensor"),
        (veiled_in_place, "work on a copy"),
    ],
)
def test_haze_hints(attempt, hint):
    answer = exercises.haze(attempt)
    assert answer.startswith("not yet: ")
    assert hint in answer


@pytest.mark.parametrize(
    "attempt",
    [
        lambda L, t, A: (1 - t) * L + t * A,
        lambda L, t, A: torch.lerp(L, torch.tensor(A), t),
        lambda L, t, A: A - (A - L).double() * (1 - t),
        lambda L, t, A: torch.stack([one * (1 - t) + t * A for one in L]),
    ],
)
def test_haze_says_yes(attempt):
    assert exercises.haze(attempt).startswith("yes: ")


def turned(one, other, t):
    angle = torch.nn.functional.cosine_similarity(one, other, dim=0).acos()
    return (torch.sin((1 - t) * angle) * one + torch.sin(t * angle) * other) / torch.sin(angle)


def stretched(one, other, t):
    line = (1 - t) * one + t * other
    return line / line.norm() * one.norm() if 0.3 < t < 0.7 else (one if t < 0.5 else other)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda one, other, t: one, "t = 1 the second"),
        (lambda one, other, t: (1 - t) * one + t * other, "turn instead"),
        (lambda one, other, t: turned(one, other, t) * (1 + t * (1 - t)), "as long as the ends"),
        (stretched, "equal angles"),
        (lambda one, other, t: None, "return a point"),
        (lambda one, other, t: turned(other, one, t), "t = 0 is the first"),
    ],
)
def test_walk_hints(attempt, hint):
    answer = exercises.walk(attempt)
    assert answer.startswith("not yet: ")
    assert hint in answer


def in_plane(one, other, t):
    """Turned in the plane of the two, by the part of the other that is at right angles to the one."""
    angle = torch.nn.functional.cosine_similarity(one, other, dim=0).acos()
    across = other - one * (one @ other) / (one @ one)
    return torch.cos(t * angle) * one + torch.sin(t * angle) * across * one.norm() / across.norm()


@pytest.mark.parametrize("attempt", [turned, in_plane, lambda one, other, t: turned(one.double(), other.double(), t)])
def test_walk_says_yes(attempt):
    assert exercises.walk(attempt).startswith("yes: ")


def stepped(z, error, rate, sign=-1.0, stretch=True):
    start = z.clone().requires_grad_()
    error(start).backward()
    moved = z + sign * rate * start.grad
    return moved / moved.norm() * z.norm() if stretch else moved


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda z, error, rate: None, "return the new z"),
        (lambda z, error, rate: z[:3], "return the new z"),
        (lambda z, error, rate: z, "has not moved"),
        (lambda z, error, rate: stepped(z, error, rate, 1.0), "against the gradient"),
        (lambda z, error, rate: stepped(z, error, rate, stretch=False), "times as long as z"),
        (lambda z, error, rate: stepped(z, error, 3 * rate), "rate times the gradient"),
        (lambda z, error, rate: [stepped(z, error, rate) for _ in range(2)][1], "called once"),
        (lambda z, error, rate: z.copy_(stepped(z, error, rate)), "not yet: "),
    ],
)
def test_guided_step_hints(attempt, hint):
    answer = exercises.guided_step(attempt)
    assert answer.startswith("not yet: ")
    assert hint in answer


def by_functions(z, error, rate):
    slope = torch.func.grad(error)(z)
    return torch.nn.functional.normalize(z - rate * slope, dim=0) * torch.linalg.vector_norm(z)


def by_optimizer(z, error, rate):
    moving = torch.nn.Parameter(z.clone())
    error(moving).backward()
    torch.optim.SGD([moving], rate).step()
    return moving / moving.norm() * z.norm()


@pytest.mark.parametrize("attempt", [stepped, by_functions, by_optimizer])
def test_guided_step_says_yes(attempt):
    assert exercises.guided_step(attempt).startswith("yes: ")
