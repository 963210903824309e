"""Every network that can be built by name, with its size, available without building any.

The figures are those of the builders' defaults and of the variants that papers know, for a network of any size those of
the size that is said; `tests/test_catalogue.py` counts them again on the networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One network, by the words that `cnn-suite summary` takes for it: a builder of `cnn_suite.models`, and options."""

    name: str
    input_shape: tuple[int, int, int]
    parameters: int
    multiply_adds: int
    paper: str


LENET = "LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition"
ALEXNET = "Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks"
VGG = "Simonyan & Zisserman 2014, Very Deep Convolutional Networks"
NIN = "Lin et al. 2013, Network In Network"
GOOGLENET = "Szegedy et al. 2014, Going Deeper with Convolutions"
RESNET = "He et al. 2015, Deep Residual Learning for Image Recognition"
SQUEEZENET = "Iandola et al. 2016, SqueezeNet"
MOBILEFACE = "becauseofAI 2018, MobileFace (github.com/becauseofAI/MobileFace); blocks of Sandler et al. 2018"
FACE_EMBEDDING = "blocks of He et al. 2015; end of Chen et al. 2018, MobileFaceNets"
OPENFACE = "Amos et al. 2016, OpenFace; Schroff et al. 2015, FaceNet"
JOHNSON = "Johnson et al. 2016, Perceptual Losses for Real-Time Style Transfer"
MOBILENET = "Sandler et al. 2018, MobileNetV2"

CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("lenet5", (28, 28, 1), 61_706, 416_520, LENET),
        Entry("alexnet", (227, 227, 3), 62_378_344, 1_135_256_096, ALEXNET),
        Entry("vgg11", (224, 224, 3), 132_863_336, 7_609_090_048, VGG),
        Entry("vgg13", (224, 224, 3), 133_047_848, 11_308_466_176, VGG),
        Entry("vgg16", (224, 224, 3), 138_357_544, 15_470_264_320, VGG),
        Entry("vgg19", (224, 224, 3), 143_667_240, 19_632_062_464, VGG),
        Entry("network_in_network", (32, 32, 3), 966_986, 222_486_528, NIN),
        Entry("googlenet", (224, 224, 3), 6_998_552, 1_582_671_872, GOOGLENET),
        Entry("resnet18", (224, 224, 3), 11_699_112, 1_814_073_344, RESNET),
        Entry("resnet34", (224, 224, 3), 21_814_696, 3_663_761_408, RESNET),
        Entry("resnet50", (224, 224, 3), 25_636_712, 3_857_973_248, RESNET),
        Entry("resnet101", (224, 224, 3), 44_707_176, 7_570_194_432, RESNET),
        Entry("resnet152", (224, 224, 3), 60_419_944, 11_282_415_616, RESNET),
        Entry("plain18", (224, 224, 3), 11_523_496, 1_794_805_760, RESNET),
        Entry("plain34", (224, 224, 3), 21_639_080, 3_644_493_824, RESNET),
        Entry("resnet20", (32, 32, 3), 271_098, 40_551_040, RESNET),
        Entry("resnet32", (32, 32, 3), 466_426, 68_862_592, RESNET),
        Entry("resnet44", (32, 32, 3), 661_754, 97_174_144, RESNET),
        Entry("resnet56", (32, 32, 3), 857_082, 125_485_696, RESNET),
        Entry("resnet110", (32, 32, 3), 1_736_058, 252_887_680, RESNET),
        Entry("plain20", (32, 32, 3), 271_098, 40_551_040, RESNET),
        Entry("plain32", (32, 32, 3), 466_426, 68_862_592, RESNET),
        Entry("plain44", (32, 32, 3), 661_754, 97_174_144, RESNET),
        Entry("plain56", (32, 32, 3), 857_082, 125_485_696, RESNET),
        Entry("plain110", (32, 32, 3), 1_736_058, 252_887_680, RESNET),
        Entry("squeezenet", (227, 227, 3), 1_235_496, 352_540_352, SQUEEZENET),
        Entry("face_embedding", (112, 112, 3), 716_784, 78_447_744, FACE_EMBEDDING),
        Entry("openface_nn4_small2", (96, 96, 3), 3_743_280, 200_118_272, OPENFACE),
        Entry("mobileface_v2", (112, 112, 3), 892_384, 40_671_584, MOBILEFACE),
        Entry("mobilenet_v2", (224, 224, 3), 3_538_984, 300_774_272, MOBILENET),
        Entry("stylizer", (256, 256, 3), 1_677_635, 10_078_912_512, JOHNSON),
    )
}

VARIANTS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("lenet5 variant=course", (32, 32, 3), 62_958, 849_320, LENET),
        Entry("alexnet groups=2", (227, 227, 3), 60_965_224, 724_406_816, ALEXNET),
        Entry("network_in_network variant=imagenet classes=1000", (227, 227, 3), 7_595_176, 1_105_996_320, NIN),
        Entry("googlenet auxiliary=true", (224, 224, 3), 13_378_280, 1_591_044_096, GOOGLENET),
        Entry("squeezenet variant=1.0", (227, 227, 3), 1_248_424, 861_339_936, SQUEEZENET),
        Entry("stylizer variant=thin", (256, 256, 3), 338_930, 1_681_391_616, JOHNSON),
        Entry("stylizer variant=thin6", (256, 256, 3), 486_898, 2_285_371_392, JOHNSON),
        Entry("stylizer variant=thin6_adaptive", (256, 256, 3), 548_562, 2_285_377_536, JOHNSON),
    )
}


def networks() -> list[Entry]:
    """Every builder at its defaults, each followed by its variants."""
    entries = []
    for name, entry in CATALOGUE.items():
        entries += [entry, *(variant for variant in VARIANTS.values() if variant.name.split()[0] == name)]
    return entries


def entry_of(builder: str, options: Sequence[str] = ()) -> Entry:
    """The variant whose options are all among those given, `key=value`, or the builder at its defaults."""
    found = (entry for entry in VARIANTS.values() if entry.name.split()[0] == builder)
    return next((entry for entry in found if set(entry.name.split()[1:]) <= set(options)), CATALOGUE[builder])


def as_table() -> str:
    """The list as text for people, one network a line."""
    width = max(map(len, VARIANTS))
    lines = [f"{'name':<{width}} {'input':<12} {'parameters':>11} {'multiply-adds':>14}  paper"]
    for entry in networks():
        size = "x".join(map(str, entry.input_shape))
        figures = f"{entry.parameters:>11,} {entry.multiply_adds:>14,}"
        lines.append(f"{entry.name:<{width}} {size:<12} {figures}  {entry.paper}")
    return "\n".join(lines)
