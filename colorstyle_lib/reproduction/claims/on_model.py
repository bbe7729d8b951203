"""Claims about what the model does: the released weights are held against them, and against simple rivals."""

from __future__ import annotations

from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL
from colorstyle_lib.reproduction.claims.schema import EVALUATE, Claim, Evidence, released

_STYLE = "colorstyle evaluate --style --data ROOT"

MODEL_CLAIMS: tuple[Claim, ...] = (
    Claim(
        "C1",
        "One model does both colorization and style transfer, from grayscale or color input.",
        ("它可以同时实现图像的上色和风格迁移",),
        "it can do both: color images and transfer style",
        "2(3)",
        "One file of weights colors gray photographs and restyles color ones, each better than doing nothing.",
        "kernel distance of colorings; style loss of restyled photographs; paired differences",
        (
            released("its colorings are nearer to real photographs than gray is", f"{KERNEL}_minus_gray", high=0.0),
            Evidence(
                "its restyled photographs are nearer to the style than the photograph is",
                ("style_pairs/released/style_style_minus_unstyled",),
                high=0.0,
            ),
        ),
        (
            "all/ablation.specialist/psnr_ab_minus_base",
            "all/ablation.specialist_reference/reference_psnr_ab_minus_base",
            "all/joint/psnr_ab_minus_color_specialist",
            "all/joint/colorfulness_over_color_specialist",
            "style_pairs/joint/style_*_minus_style_specialist",
        ),
        "05_evaluation#claims-details",
        f"{EVALUATE}; {_STYLE}",
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
            released("its colorings are nearer to real photographs than gray is", f"{KERNEL}_minus_gray", high=0.0),
            released("it is as colorful as the real within 10 %", "colorfulness_ratio", 0.9, 1.1),
        ),
        (
            "all/released/psnr_ab_minus_gray",
            f"all/released/{KERNEL}_minus_*",
            "demo/released/colorfulness_ratio",
            "demo/released/psnr_ab",
            f"demo/released/{KERNEL}_minus_gray",
        ),
        "06_colorize#colorize-15",
        EVALUATE,
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
        "C8",
        "The model repairs missing parts of an image, using color and texture.",
        ("通过学习图像的颜色和纹理信息，对图像中的缺失部分进行修复",),
        "by learning the color and texture information of images it repairs missing parts of an image",
        "6(1)",
        "Holes in validation photographs are filled, and compared with a fill from the hole's rim.",
        "squared error inside the holes over that of a smooth fill",
        (released("it errs less inside holes than a smooth fill", "inpaint_error_over_smooth_fill", high=1.0),),
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
        (released("it takes error away from damaged photographs", "enhance_error_over_damaged", high=1.0),),
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
            released(
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
)
