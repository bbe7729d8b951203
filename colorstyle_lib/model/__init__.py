"""The paper's model: generator, multi-modal attention, discriminator, and their parts."""

from colorstyle_lib.model.attention import (
    AttentionOverride,
    MultiModalAttention,
    attention_spread,
    multimodal_attention,
)
from colorstyle_lib.model.color_bins import ab_bins, encode_soft
from colorstyle_lib.model.content import content_planes, gray_content
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.generator import Encoded, Generator, load_generator, save_generator
from colorstyle_lib.model.modalities import MODALITIES, Modalities, describe
from colorstyle_lib.model.pretrained import VGG19, EfficientNetLite0, load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.model.style_decoder import StyleDecoder
