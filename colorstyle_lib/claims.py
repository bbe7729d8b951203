"""What the paper claims, sentence by sentence, and which numbers decide it: C1 to C12 as data.

A claim holds no number and no verdict. It names addresses in ``figures/results.json`` and bounds for what is there;
:mod:`colorstyle_lib.claims_verdict` reads the numbers and judges. The bounds on ablations, attention and style were set
before any of these was measured (those on attention in notebook 03), colorfulness's is :mod:`colorstyle_lib.targets`'s;
"nearer than gray" and "less error with a reference" were known to hold when this was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from colorstyle_lib.benchmark_colorize import KERNEL

SEEDS = 3
"""Trainings that a comparison of recipes needs at least."""

_ABLATIONS = "colorstyle ablations run --data ROOT; colorstyle ablations show"
_EVALUATE = "colorstyle evaluate --data ROOT"
_STYLE = "colorstyle evaluate --style --data ROOT"


@dataclass(frozen=True)
class Evidence:
    """A condition on numbers.

    Attributes:
        says: what it asks, in words.
        keys: addresses of the numbers, ``*`` standing for anything; all that one address finds must hold, and one
            address of several is enough.
        low: least value.
        high: largest value.
        seeds: trainings that have to stand behind the number.
        sampled: whether it has an interval; a size in memory has none.
    """

    says: str
    keys: tuple[str, ...]
    low: float = -inf
    high: float = inf
    seeds: int = 0
    sampled: bool = True


@dataclass(frozen=True)
class Claim:
    """A claim of the paper and its trial.

    Attributes:
        id: C1 to C12.
        title: the claim in a line.
        quotes: the paper's own words.
        translation: ours, of these words.
        section: where they stand.
        test: what is done to decide.
        metric: what is measured.
        decides: the conditions; all must hold.
        beside: addresses of numbers that a reader should see too, and that decide nothing.
        cell: notebook, and the cell in it, where this is taught or shown.
        command: makes the numbers.
        beyond: why the numbers cannot be made here, where they are missing; empty where they can.
    """

    id: str
    title: str
    quotes: tuple[str, ...]
    translation: str
    section: str
    test: str
    metric: str
    decides: tuple[Evidence, ...]
    beside: tuple[str, ...]
    cell: str
    command: str
    beyond: str = ""


def _ablated(says: str, *addresses: str, low: float = -inf, high: float = inf) -> Evidence:
    return Evidence(says, tuple(f"all/ablation.{address}" for address in addresses), low, high, SEEDS)


def _released(says: str, metric: str, low: float = -inf, high: float = inf) -> Evidence:
    return Evidence(says, (f"all/released/{metric}",), low, high)


def _attention(
    says: str, metric: str, low: float = -inf, high: float = inf, method: str = "released", seeds: int = 0
) -> Evidence:
    return Evidence(says, (f"all/attention.{method}/{metric}",), low, high, seeds)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "C1",
        "One model does both colorization and style transfer, from grayscale or color input.",
        ("它可以同时实现图像的上色和风格迁移",),
        "it can do both: color images and transfer style",
        "2(3)",
        "One file of weights colors gray photographs and restyles color ones, each better than doing nothing.",
        "kernel distance of colorings; style loss of restyled photographs; paired differences",
        (
            _released("its colorings are nearer to real photographs than gray is", f"{KERNEL}_minus_gray", high=0.0),
            Evidence(
                "its restyled photographs are nearer to the style than the photograph is",
                ("style_pairs/released/style_style_minus_unstyled",),
                high=0.0,
            ),
        ),
        (
            "all/ablation.specialist/psnr_ab_minus_base",
            "all/ablation.specialist_reference/reference_psnr_ab_minus_base",
        ),
        "05_evaluation#claims-details",
        f"{_EVALUATE}; {_STYLE}",
    ),
    Claim(
        "C2",
        "Multi-modal attention raises performance, in the generator and in the discriminator.",
        ("动态地调整生成器和判别器的注意力权重，从而提高模型的性能",),
        "it adjusts the attention weights of generator and discriminator dynamically, and so raises the performance",
        "3(3)",
        "The same small networks trained with learned attention and without, with even and with fixed weights, and "
        "with attention in one player alone; the same pictures, time and seeds.",
        "squared ab error with a reference, where there is a choice to make; kernel distance for realism",
        (
            _ablated("without attention the error is larger", "no_attention/reference_error_ab_minus_base", low=0.0),
            _ablated("without attention the colors are less real", f"no_attention/{KERNEL}_minus_base", low=0.0),
            _ablated(
                "with even weights the error is larger", "uniform_attention/reference_error_ab_minus_base", low=0.0
            ),
            _ablated(
                "with fixed weights the error is larger", "fixed_attention/reference_error_ab_minus_base", low=0.0
            ),
            _ablated(
                "without it in the generator the error is larger",
                "attention_in_d/reference_error_ab_minus_base",
                low=0.0,
            ),
            _ablated(
                "without it in the discriminator the colors are less real",
                f"attention_in_g/{KERNEL}_minus_base",
                low=0.0,
            ),
        ),
        ("all/ablation.*_attention/*error_ab_minus_base", "all/ablation.attention_in_?/*error_ab_minus_base"),
        "05_evaluation#ablations-verdicts",
        _ABLATIONS,
    ),
    Claim(
        "C3",
        "Color and texture information make the result more realistic.",
        (
            "多模态信息可以帮助模型更好地理解图像的内容和风格，从而生成更加逼真的图像",
            "多模态信息通过颜色信息和纹理信息进行引入",
        ),
        "multi-modal information helps the model understand content and style, and so make more realistic images; "
        "it is brought in as color and texture information",
        "2(2), 5(2)",
        "A reference is given to the released weights; color and texture are each taken out of small trainings.",
        "squared ab error, with a reference for color, which a gray picture does not have; kernel distance",
        (
            _released("a reference takes error away", "reference_error_over_automatic", high=1.0),
            _ablated("without color the error is larger", "without_color/reference_error_ab_minus_base", low=0.0),
            _ablated("without texture the colors are less real", f"without_texture/{KERNEL}_minus_base", low=0.0),
        ),
        (
            "demo/released/reference_error_over_automatic",
            "all/ablation.without_*/*error_ab_minus_base",
            "all/ablation.swap_*/reference_error_ab_minus_base",
        ),
        "05_evaluation#ablations-verdicts",
        f"{_EVALUATE}; {_ABLATIONS}",
    ),
    Claim(
        "C4",
        "Automatic colorization gives realistic color from a grayscale image.",
        ("可以根据输入的灰度图像生成逼真的彩色图像",),
        "from the grayscale image that it is given it can make a realistic color image",
        "5(3)",
        "Validation photographs that were never trained on are colored from L alone.",
        "kernel distance (paired difference from gray), colorfulness over the real photographs'",
        (
            _released("its colorings are nearer to real photographs than gray is", f"{KERNEL}_minus_gray", high=0.0),
            _released("it is as colorful as the real within 10 %", "colorfulness_ratio", 0.9, 1.1),
        ),
        (
            "all/released/psnr_ab_minus_gray",
            f"all/released/{KERNEL}_minus_*",
            "demo/released/colorfulness_ratio",
            "demo/released/psnr_ab",
            f"demo/released/{KERNEL}_minus_gray",
        ),
        "06_colorize#colorize-15",
        _EVALUATE,
    ),
    Claim(
        "C5",
        "Style transfer gives a color image a chosen style.",
        ("可以将输入的彩色图像转换为具有特定风格的图像",),
        "it can turn the color image that it is given into an image of a given style",
        "5(3)",
        "Validation photographs are restyled after validation paintings, each pair the same for every method.",
        "style loss of VGG-19, paired differences, intervals over paintings",
        (
            Evidence(
                "its results are nearer to the style than the photograph is",
                ("style_pairs/released/style_style_minus_unstyled",),
                high=0.0,
            ),
            Evidence(
                "and nearer than statistics alone, transferred in Lab",
                ("style_pairs/released/style_style_minus_Lab statistics",),
                high=0.0,
            ),
        ),
        ("style_pairs/released/style_*",),
        "05_evaluation#evaluation-style",
        _STYLE,
    ),
    Claim(
        "C6",
        "Adversarial training keeps improving quality and realism.",
        ("通过对抗训练，不断提高生成图像的质量和真实性",),
        "by adversarial training they keep raising the quality and the realism of the images",
        "2(1)",
        "The same small networks and terms trained with a discriminator and without; same pictures, time and seeds.",
        "kernel distance for realism, squared ab error for quality, paired differences",
        (
            _ablated(
                "without a discriminator the colors are less real", f"no_discriminator/{KERNEL}_minus_base", low=0.0
            ),
            _ablated("without a discriminator the error is larger", "no_discriminator/error_ab_minus_base", low=0.0),
        ),
        (
            "all/ablation.no_discriminator/colorfulness_ratio_minus_base",
            f"all/ablation.l1/{KERNEL}_minus_base",
            f"all/ablation.pix2pix/{KERNEL}_minus_base",
        ),
        "05_evaluation#ablations-verdicts",
        _ABLATIONS,
    ),
    Claim(
        "C7",
        "Plain SGD with the printed objective trains it.",
        ("实验使用了随机梯度下降算法进行训练",),
        "the experiments trained with stochastic gradient descent",
        "5(2)",
        "Small networks trained by SGD on equation (1) as printed, at two rates; the better one counts.",
        "colorfulness over the real photographs'; PSNR ab, paired difference from our recipe",
        (
            _ablated(
                "it colors at all: at least half as colorful as the real",
                "sgd_printed/colorfulness_ratio",
                "sgd_printed_fast/colorfulness_ratio",
                low=0.5,
            ),
            _ablated(
                "it costs at most half a decibel",
                "sgd_printed/psnr_ab_minus_base",
                "sgd_printed_fast/psnr_ab_minus_base",
                low=-0.5,
            ),
        ),
        ("all/ablation.adam_printed/psnr_ab_minus_sgd_printed", f"all/ablation.sgd_printed*/{KERNEL}_minus_base"),
        "04_training#training-39",
        _ABLATIONS,
    ),
    Claim(
        "C8",
        "The model repairs missing parts of an image, using color and texture.",
        ("通过学习图像的颜色和纹理信息，对图像中的缺失部分进行修复",),
        "by learning the color and texture information of images it repairs missing parts of an image",
        "6(1)",
        "Holes in validation photographs are filled, and compared with a fill from the hole's rim.",
        "squared error inside the holes over that of a smooth fill",
        (_released("it errs less inside holes than a smooth fill", "inpaint_error_over_smooth_fill", high=1.0),),
        (),
        "08_applications",
        "",
    ),
    Claim(
        "C9",
        "The model makes images clearer and more vivid.",
        ("图像增强是指对图像进行增强处理，使其更加清晰、鲜明",),
        "image enhancement means to work on an image so that it becomes clearer and more vivid",
        "6(2)",
        "Validation photographs made blurred and pale are enhanced, and compared with the originals.",
        "squared error after enhancement over that before",
        (_released("it takes error away from damaged photographs", "enhance_error_over_damaged", high=1.0),),
        (),
        "08_applications",
        "",
    ),
    Claim(
        "C10",
        "The model generates new images.",
        ("生成新的图像，从而创造出更多的艺术作品",),
        "to generate new images and so to create more works of art",
        "6(3)",
        "Images are drawn from z alone and compared with real ones, and with noise of the same spectrum.",
        "kernel distance to real photographs, difference from spectral noise",
        (
            _released(
                "they are nearer to real photographs than noise of their spectrum",
                f"generate_{KERNEL}_minus_noise",
                high=0.0,
            ),
        ),
        (),
        "08_applications",
        "",
    ),
    Claim(
        "C11",
        "It trains on ImageNet, COCO and LSUN, on one GPU of the RTX 3090's class.",
        ("本文使用了以下数据集进行实验", "实验在 NVIDIA GeForce RTX 3090 显卡上进行"),
        "the experiments use the following data sets; they ran on an NVIDIA GeForce RTX 3090",
        "5(1), 5(2)",
        "The training command runs on each of the three sets, as published, on one GPU; its peak memory is read.",
        "peak GPU memory, MiB, against the 24,576 of an RTX 3090",
        tuple(
            Evidence(
                f"it fits while it learns from {name}",
                (f"{name}/training.companion/peak_gpu_mib",),
                high=24576.0,
                sampled=False,
            )
            for name in ("imagenet", "coco", "lsun")
        ),
        (),
        "04_training#training-60",
        "",
        "the three sets have millions of pictures and were not at hand, nor was a GPU; their official layouts are read "
        "and tested, and the released weights learned from a sample of ImageNet on a CPU",
    ),
    Claim(
        "C12",
        "Attention weights change with the input, and say something true about what the model used.",
        (
            "可以根据图像的不同模态信息，动态地调整生成器和判别器的注意力权重",
            "生成对抗网络的可解释性仍然较差，需要进一步研究和提高",
        ),
        "from an image's modalities it adjusts the attention weights dynamically; GANs are still hard to interpret, "
        "which needs more work",
        "3(3), 8(2)",
        "Weights are read over validation photographs; modalities are deleted, swapped and overridden; weights of "
        "several trainings are compared.",
        "standard deviation over photographs; Spearman's rank correlation of weight and change; ratio of changes",
        (
            _attention("weights change from photograph to photograph", "*_spread_between_*", low=0.02),
            _attention(
                "a weight predicts what deleting its modality changes", "*_deletion_rank_correlation_*", low=0.5
            ),
            _attention(
                "a modality held at weight 1 matters more than at its own weight",
                "override_influence_at_1_over_own_*",
                low=1.0,
            ),
            _attention(
                "color held at weight 1 moves colors towards the reference", "override_color_towards_reference", low=0.0
            ),
            _attention(
                "two trainings agree about which photograph",
                "*_seed_rank_correlation_*",
                low=0.5,
                method="matrix",
                seeds=SEEDS,
            ),
        ),
        ("all/attention.released/override_influence_at_0_*", "all/attention.matrix/*_weight_*_seed_sd"),
        "03_attention#attention-47",
        f"colorstyle ablations attention --data ROOT; {_ABLATIONS}",
    ),
)
