"""The paper's model: generator, multi-modal attention, discriminator, and their parts."""

from colorstyle_lib.model.attention import (
    AttentionOverride,
    MultiModalAttention,
    attention_spread,
    multimodal_attention,
)
from colorstyle_lib.model.color_bins import ab_bins, bin_frequency, encode_soft, rebalancing
from colorstyle_lib.model.content import CONTENT_PLANES, content_planes, gray_content
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.encoders import PretrainedEncoder
from colorstyle_lib.model.generator import Encoded, Generator, Measured, Reference, load_generator, save_generator
from colorstyle_lib.model.modalities import MODALITIES, REDUCTION, Modalities, describe
from colorstyle_lib.model.pretrained import VGG19, EfficientNetLite0, load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.model.repair_decoder import Repaired
from colorstyle_lib.model.scene_generator import SceneGenerator
from colorstyle_lib.model.style_decoder import StyleCode, StyleDecoder, blend
