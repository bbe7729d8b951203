"""Where this companion departs from the paper, or decides what the paper leaves open: one table for all texts.

What a row says of this companion is so today; what is only intended stands apart, as planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from colorstyle_lib.config import PRESETS
from colorstyle_lib.model.color_bins import STEP, ab_bins


@dataclass(frozen=True)
class Deviation:
    """One difference.

    Attributes:
        topic: what it is about; unique.
        paper: what the paper says, with its section.
        ours: what this companion does today.
        why: the reason.
        where: what to look at: ``preset NAME``, a module of the library (``losses.adversarial``), or a name in one
            (``model.attention.multimodal_attention``).
        planned: what is not built yet; empty where nothing is missing.
    """

    topic: str
    paper: str
    ours: str
    why: str
    where: tuple[str, ...]
    planned: str = ""


def as_markdown(deviations: Sequence[Deviation] | None = None) -> str:
    """The table as Markdown, one line a row.

    Args:
        deviations: rows to show; all of :data:`DEVIATIONS` by default.
    """
    lines = ["| about | the paper | this companion, today | why | where |", "|---|---|---|---|---|"]
    for row in DEVIATIONS if deviations is None else deviations:
        ours = f"{row.ours} *Planned: {row.planned}*" if row.planned else row.ours
        cells = (row.topic, row.paper, ours, row.why, ", ".join(f"`{place}`" for place in row.where))
        # A bar would end the cell.
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


_PAPER, _COMPANION = PRESETS["paper"], PRESETS["companion"]
_ENCODERS = {"convolutions": "learned from nothing", "efficientnet_lite0": "frozen ImageNet features"}


def _listed(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "what G is given",
        "Equation (1) writes G(z), from noise alone; section 3(1) gives G a grayscale or color image.",
        "G(z) is read as G(z | input): G gets Lab with the unknown set to 0, and two masks of what is known.",
        "Colorization needs the picture that is to be colored; masks let one network serve every task.",
        ("model.content.content_planes", "training.tasks.TASKS"),
    ),
    Deviation(
        "noise z",
        "G starts from a random noise vector (section 3(1)); its size and its way into G are not given.",
        f"{_PAPER.generator.noise} numbers in `paper`, {_COMPANION.generator.noise} in `companion`, added at the "
        "deepest level, for each of 4 x 4 regions. In `companion` a picture may choose from "
        f"{_COMPANION.training.imle_samples} z in training and learns with the one that suits it best "
        "(arXiv:1809.09087). "
        "z = 0 is the usual answer, and `seed=` chooses another.",
        "A G that is compared with the real picture has no reason of its own to heed z.",
        ("model.generator.Generator", "training.generator_pass.choose_noise"),
    ),
    Deviation(
        "G's network",
        "Convolution and pooling layers (section 3(1)); how many, how wide and how the size is regained is not said.",
        "A U-Net (arXiv:1505.04597) in every preset; its encoder is "
        f"{_ENCODERS[_PAPER.generator.encoder]} in `paper`, {_ENCODERS[_COMPANION.generator.encoder]} in `companion`.",
        "Pooling alone loses where things are. Features of a network that knows objects spare a small one from "
        "learning them.",
        ("preset paper", "preset companion", "model.generator.Generator", "model.pretrained.EfficientNetLite0"),
    ),
    Deviation(
        "D's network",
        "Convolution and pooling layers; a picture goes in, real or fake comes out (section 3(2)).",
        f"As written in `paper`, {_PAPER.discriminator.depth} of each and one verdict a picture. `companion`: stride "
        f"instead of pooling, a verdict for each place at {_COMPANION.discriminator.scales} scales (arXiv:1611.07004), "
        "spectral norm (arXiv:1802.05957).",
        "Evidence place by place tells G where it is wrong; the norm keeps D from running ahead.",
        ("preset paper", "preset companion", "model.discriminator.Discriminator"),
    ),
    Deviation(
        "what D is shown in training",
        "The steps of section 3(2) show D generated pictures only; equation (1) also has real ones.",
        "In each of its steps D sees the generated pictures and the real ones beside them.",
        "A D that only ever sees fakes may call everything fake; equation (1) is taken as the intent.",
        ("training.gan_step.discriminator_step", "losses.adversarial.minimax_value"),
    ),
    Deviation(
        "objective",
        "Equation (1), printed in its saturating form (section 4(1)).",
        "Equation (1) literally, and four successors: non-saturating, least squares, hinge, relativistic; each is a "
        f"function. `paper` descends on the {_PAPER.training.objective} form, as printed; `companion` and `tiny` on "
        f"{_COMPANION.training.objective}. All also compare with the real picture, as section 3(1) asks: ab "
        "cross-entropy in `companion`, a Huber distance in `paper` and `tiny`.",
        "As printed, G's slope vanishes just where D is sure of a fake.",
        (
            "losses.adversarial.saturating_generator",
            "losses.adversarial.OBJECTIVES",
            "training.generator_pass.supervised_terms",
        ),
    ),
    Deviation(
        "order of training",
        "G and D in turn from the start (section 3).",
        f"So in `paper`. In `companion` G learns alone for {100 * _COMPANION.training.supervised:.0f} % of the run, "
        f"then D alone for {100 * _COMPANION.training.catch_up:.0f} %, then both in turn.",
        "A discriminator that meets a beginner teaches it little that the real picture does not teach better.",
        ("training.loop.stage_at", "preset paper", "preset companion"),
    ),
    Deviation(
        "optimizer",
        "Stochastic gradient descent (section 5(2)); no rate, batch or length is given.",
        f"Plain {_PAPER.training.optimizer.upper()} in `paper`; AdamW in `companion` and `tiny`. G's rate warms up and "
        "then falls on a cosine, its gradients are clipped and its weights averaged; D's rate is constant.",
        "Whether plain SGD suffices is claim C7, so it must stand beside the usual choice.",
        ("preset paper", "preset companion", "preset tiny", "training.state.make_optimizer"),
    ),
    Deviation(
        "energies E_i",
        'E_i is "the feature value of modality i" (section 4(2)); how it comes about is not given.',
        "For G: a scaled product of a place's features with what the modality says of content and reference, one for "
        "each place. For D: additive, from features, map and vector "
        "together. Plain, as printed: one for each modality and picture, from the modality's vector alone.",
        "A weight that cannot see the content cannot adapt to it; the plain form is kept to compare with.",
        ("model.attention.MultiModalAttention", "model.discriminator.WeighedEvidence"),
    ),
    Deviation(
        "which modalities",
        '"Such as" color, texture and shape (sections 2(2), 3(3)); the experiments use color and texture (section '
        "5(2)). What each measures is not given.",
        f"Fixed measurements of all three. G and D weigh {_listed(_PAPER.discriminator.modalities)} in `paper`, "
        f"{_listed(_COMPANION.discriminator.modalities)} in `companion`.",
        "What is measured, not learned, can be looked at and tested.",
        ("model.modalities.describe", "preset paper", "preset companion"),
    ),
    Deviation(
        "absent modalities",
        "The sum in equation (2) runs over all M modalities; that one may be missing is not considered.",
        "A modality that a picture does not have gets weight exactly 0; the others share the rest.",
        "A grayscale photograph has no color. With color and texture alone, texture's weight is then 1 by definition.",
        ("model.attention.multimodal_attention", "model.modalities.Modalities"),
    ),
    Deviation(
        "attention in D",
        "Attention weights are adjusted in G and in D (section 3(3)); what they weigh in D is not said.",
        "They weigh evidence: a logit is the sum over modalities of alpha_i times that modality's score.",
        "So alpha says what a verdict rests on, and overriding it shows what changes.",
        ("model.discriminator.WeighedEvidence", "model.attention_override.AttentionOverride"),
    ),
    Deviation(
        "what comes out of G",
        "A color picture (section 3(1)); no color space is named.",
        "a and b of CIELAB; L stays the input's in every coloring. In a hole a head of its own answers with L. Another "
        "style is drawn by levels of their own, from a quarter of the size up, which redraw the whole picture.",
        "Coloring must not redraw the photograph, and this way it cannot; styles that act on coarser levels made halos "
        "and stains.",
        (
            "model.generator.Generator.forward",
            "model.generator.Generator.lightness",
            "model.style_decoder.StyleDecoder",
        ),
        "public calls for inpainting, enhancement and generation.",
    ),
    Deviation(
        "how color is predicted",
        "Not said.",
        f"`companion` predicts how likely each of {len(ab_bins())} ab bins (step {STEP}) is and takes their annealed "
        "mean (arXiv:1603.08511); `paper` and `tiny` predict a and b themselves.",
        "Where several colors are plausible, regression answers with their brown mean.",
        ("model.color_bins", "preset companion", "preset paper"),
    ),
    Deviation(
        "data",
        "ImageNet, COCO and LSUN (section 5(1)); which parts and how many pictures is not said.",
        "The released weights learned from 5,167 pictures: 3,720 scenes, 632 of an ImageNet sample and 815 paintings "
        "(the data card lists them). Any folder of pictures can be trained on.",
        "The full sets were not at hand where this ran; their official layouts are read.",
        ("data.folder.list_images", "training.train_on_folder.train_on_folder"),
    ),
    Deviation(
        "hardware",
        "One NVIDIA GeForce RTX 3090 (section 5(2)).",
        "The released weights were trained on 2 CPU cores (their card says so); training takes a GPU where there is "
        "one.",
        "A companion should run on what a student has.",
        ("training.loop.train", "training.train_on_folder"),
    ),
)
