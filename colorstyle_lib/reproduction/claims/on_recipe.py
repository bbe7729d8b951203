"""Claims about what an ingredient is for: they take trainings with it and without, and attention's own trial."""

from __future__ import annotations

from math import inf

from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL
from colorstyle_lib.reproduction.claims.schema import EVALUATE, Claim, Evidence, released

SEEDS = 3
"""Trainings that a comparison of recipes needs at least."""

_ABLATIONS = "colorstyle ablations run --data ROOT; colorstyle ablations show"
_GRAY = (f"all/ablation.gray/{KERNEL}_minus_base", f"all/ablation_long.gray/{KERNEL}_minus_base")
"""Beside what is said of realism: whether the recipe has come nearer to the real than gray at all."""


def _ablated(says: str, *addresses: str, low: float = -inf, high: float = inf, control: str = "") -> Evidence:
    keys = tuple(f"all/ablation.{address}" for address in addresses)
    return Evidence(says, keys, low, high, SEEDS, control=f"all/ablation.{control}" if control else "")


def _attention(
    says: str, metric: str, low: float = -inf, high: float = inf, method: str = "released", seeds: int = 0
) -> Evidence:
    return Evidence(says, (f"all/attention.{method}/{metric}",), low, high, seeds)


RECIPE_CLAIMS: tuple[Claim, ...] = (
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
        ("all/ablation.*_attention/*error_ab_minus_base", "all/ablation.attention_in_?/*error_ab_minus_base", *_GRAY),
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
        "The released weights get a reference, the other half of the same picture; color and texture are each taken "
        "out of small trainings. Beside it another picture's texture, which should harm if its own helps.",
        "squared ab error, with a reference for color, which a gray picture does not have; kernel distance",
        (
            released("a reference takes error away", "reference_error_over_automatic", high=1.0),
            _ablated("without color the error is larger", "without_color/reference_error_ab_minus_base", low=0.0),
            _ablated("without texture the colors are less real", f"without_texture/{KERNEL}_minus_base", low=0.0),
        ),
        (
            "demo/released/reference_error_over_automatic",
            "all/ablation.without_*/*error_ab_minus_base",
            "all/ablation.swap_*/reference_error_ab_minus_base",
            f"all/ablation.swap_texture/{KERNEL}_minus_base",
            *_GRAY,
        ),
        "05_evaluation#ablations-verdicts",
        f"{EVALUATE}; {_ABLATIONS}",
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
            f"all/ablation_long.pix2pix/{KERNEL}_minus_base",
            *_GRAY,
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
        "Small networks trained by SGD on equation (1) as printed, at two rates; for each condition the better counts.",
        "colorfulness over the real photographs'; PSNR ab, paired difference from our recipe",
        (
            _ablated(
                "it colors at all: at least half as colorful as the real",
                "sgd_printed/colorfulness_ratio",
                "sgd_printed_fast/colorfulness_ratio",
                low=0.5,
                control="base/colorfulness_ratio",
            ),
            _ablated(
                "it costs at most half a decibel",
                "sgd_printed/psnr_ab_minus_base",
                "sgd_printed_fast/psnr_ab_minus_base",
                low=-0.5,
            ),
        ),
        (
            "all/ablation.base/colorfulness_ratio",
            "all/ablation_long.base/colorfulness_ratio",
            "all/ablation.adam_printed/psnr_ab_minus_sgd_printed",
            f"all/ablation.sgd_printed*/{KERNEL}_minus_base",
            f"all/ablation_long.sgd_printed/{KERNEL}_minus_base",
        ),
        "04_training#training-39",
        _ABLATIONS,
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
