"""The judge of style transfer against its definition written out again, in NumPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_vgg import picture, vgg

from colorstyle_lib.metrics.style import StyleJudge, perceptual_content_distance
from colorstyle_lib.model.pretrained import EfficientNetLite0


@pytest.fixture(scope="module")
def judge() -> StyleJudge:
    torch.manual_seed(0)
    return StyleJudge(vgg(), EfficientNetLite0().eval())


def test_the_measure_is_the_one_defined(judge):
    result, photograph, painting = picture(0), picture(1), 0.5 * picture(2, 48, 40)
    found, wanted, look = ([m[0].numpy().astype(float) for m in judge.vgg(p)] for p in (result, photograph, painting))
    content = ((found[3] - wanted[3]) ** 2).mean() / (wanted[3] ** 2).mean()
    style = 0.0
    for ours, theirs in zip(found, look, strict=True):
        square = ((ours.mean((1, 2)) - theirs.mean((1, 2))) ** 2 + (ours.std((1, 2)) - theirs.std((1, 2))) ** 2).mean()
        style += square / (theirs**2).mean() / 4  # over the mean square of the features themselves
    scores = judge.scores(result, judge.content(photograph), judge.style(painting))
    assert scores.content == pytest.approx(content, rel=1e-4)
    assert scores.style == pytest.approx(style, rel=1e-4)


def test_what_is_asked_for_has_no_distance(judge):
    photograph, painting = picture(1), picture(2)
    content, style = judge.content(photograph), judge.style(painting)
    unstyled, copied = judge.scores(photograph, content, style), judge.scores(painting, content, style)
    assert unstyled.content == 0
    assert unstyled.perceptual == pytest.approx(0, abs=1e-5)
    assert copied.style == 0
    assert unstyled.style > 0
    assert copied.content > 0
    assert copied.perceptual > 0


def test_style_forgets_places(judge):
    painting = picture(2)
    turned = judge.scores(painting.flip(3), judge.content(picture(1)), judge.style(painting))
    shifted = judge.scores(1 - painting, judge.content(picture(1)), judge.style(painting))
    assert turned.style < shifted.style


def test_the_scale_of_the_weights_file_does_not_matter(judge):
    result, photograph, painting = picture(0), picture(1), picture(2)
    scaled = StyleJudge(vgg(115), judge.efficientnet)
    ours, theirs = (j.scores(result, j.content(photograph), j.style(painting)) for j in (judge, scaled))
    assert theirs.content == pytest.approx(ours.content, rel=1e-3)
    assert theirs.style == pytest.approx(ours.style, rel=1e-3)


def test_any_size_can_be_judged(judge):
    photograph = picture(1, 40, 72)
    scores = judge.scores(photograph.flip(2), judge.content(photograph), judge.style(picture(2)))
    assert all(np.isfinite([scores.content, scores.style, scores.perceptual]))


def test_perceptual_distance_by_hand():
    east, north = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1), torch.tensor([0.0, 0.5]).view(1, 2, 1, 1)
    assert perceptual_content_distance([east], [3 * east]).item() == pytest.approx(0, abs=1e-6)  # length is forgotten
    assert perceptual_content_distance([east], [north]).item() == pytest.approx(1)
    assert perceptual_content_distance([east], [-east]).item() == pytest.approx(2)
    half = torch.cat((east, north), dim=3)  # one place of two
    assert perceptual_content_distance([half, east], [east.expand(1, 2, 1, 2), east]).item() == pytest.approx(0.25)
    batch = perceptual_content_distance([torch.cat((east, north))], [torch.cat((east, east))])
    assert batch.tolist() == pytest.approx([0, 1])
