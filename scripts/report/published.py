"""What others have published, figure by figure, each with where it was read."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden import Network
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.linear import Linear


@dataclass(frozen=True)
class Source:
    """A publication, and where to find it."""

    text: str
    url: str


@dataclass(frozen=True)
class Figure:
    """A published number. remark: what a reader must know of it, such as that it follows from others or is not confirmed."""

    value: float
    source: Source
    remark: str = ""


@dataclass(frozen=True)
class Published:
    """An accelerator. network: what it computes. same: is that the CIFAR-10 network of Li et al.? Missing figures are None."""

    design: str
    network: str
    part: str
    same: bool = False
    clock_mhz: Figure | None = None
    cycles: Figure | None = None
    fps: Figure | None = None
    tops: Figure | None = None
    lut: Figure | None = None
    lut_per_mac: Figure | None = None
    watts: Figure | None = None
    latency_us: Figure | None = None
    accuracy: Figure | None = None


@dataclass(frozen=True)
class Statement:
    """What a publication says beside its figures."""

    text: str
    source: Source


LI_2017 = Source(
    "Li, Liu, Xu, Yu, Ren: A 7.663-TOPS 8.2-W Energy-efficient FPGA Accelerator for Binary Convolutional Neural Networks, "
    "FPGA 2017 (title)",
    "https://dblp.uni-trier.de/db/conf/fpga/fpga2017.html#LiLXYR17",
)
LI_2018 = Source(
    "Li, Liu, Xu, Yu, Ren: A GPU-Outperforming FPGA Accelerator Architecture for Binary Convolutional Neural Networks, "
    "ACM JETC 14(2), 2018 (abstract)",
    "https://asu.elsevierpure.com/en/publications/a-gpu-outperforming-fpga-accelerator-architecture-for-binary-conv",
)
FINN = Source(
    "Umuroglu et al.: FINN: A Framework for Fast, Scalable Binarized Neural Network Inference, FPGA 2017 (abstract)",
    "https://arxiv.org/abs/1612.07119",
)
SINGLE_ENGINE = Source(
    "Accelerator Design with Effective Resource Utilization for Binary Convolutional Neural Networks on an FPGA, "
    "FCCM 2018 (abstract)",
    "https://www.aminer.org/pub/5bbacb3717c44aecc4eabfb0/"
    "accelerator-design-with-effective-resource-utilization-for-binary-convolutional-neural-networks-on",
)
QUE = Source(
    "Que et al.: Low Latency Variational Autoencoder on FPGAs, IEEE JETCAS 2024 (abstract)",
    "https://doi.org/10.1109/JETCAS.2024.3389660",
)

PAPER_CLOCK_MHZ = 90.0
"""The clock of Li et al., at which other designs are compared with theirs."""

OPERATIONS = 616_966_144
"""Multiply-accumulates per image of their CIFAR-10 network, those on padding included."""

CHANNELS = (128, 128, 256, 256, 512, 512, 1024, 1024, 10)
"""Outputs of its layers with weights."""

_TOPS = 7.663

UNCONFIRMED = "remembered, not confirmed"

PAPER = Published(
    design="Li et al.",
    network="CIFAR-10, 9 layers",
    part="XC7VX690T",
    same=True,
    clock_mhz=Figure(PAPER_CLOCK_MHZ, LI_2018, "as cited; not in the abstract"),
    cycles=Figure(round(PAPER_CLOCK_MHZ * 2 * OPERATIONS / _TOPS / 1e6), LI_2017, "from TOPS, clock and operations"),
    fps=Figure(_TOPS * 1e12 / (2 * OPERATIONS), LI_2017, "from TOPS and operations"),
    tops=Figure(_TOPS, LI_2017),
    lut=Figure(342_126, LI_2018, UNCONFIRMED),
    lut_per_mac=Figure(342_126 * PAPER_CLOCK_MHZ * 2 / (_TOPS * 1e6), LI_2018, f"from LUT, which is {UNCONFIRMED}"),
    watts=Figure(8.2, LI_2017),
)

OTHERS = (
    Published(
        design="FINN",
        network="CIFAR-10, a smaller network (CNV)",
        part="ZC706",
        fps=Figure(21_906, FINN),
        watts=Figure(25, FINN, "less than; the whole board"),
        latency_us=Figure(283, FINN),
        accuracy=Figure(0.801, FINN),
    ),
    Published(
        design="Single engine, FCCM 2018",
        network="a binary CNN",
        part="XCVU190",
        clock_mhz=Figure(240, SINGLE_ENGINE),
        tops=Figure(61.6 * 61 / 1000, SINGLE_ENGINE, "from GOPS per kLUT"),
        lut=Figure(61_000, SINGLE_ENGINE, "rounded to thousands"),
        lut_per_mac=Figure(2 * 240e6 * 1000 / 61.6e9, SINGLE_ENGINE, "from GOPS per kLUT and clock"),
    ),
)

GPU = Statement(
    "For single requests and small batches the accelerator of Li et al. is 8.3 times as fast as a Titan X GPU and 75 times as "
    "energy-efficient; for large batches it is on a par in throughput and 9.5 times as energy-efficient.",
    LI_2018,
)
AUTOENCODERS = Statement(
    "The autoencoder of Que et al. is 82 times as fast as a CPU and 208 times as fast as a GPU, and 61 times as fast as an "
    "earlier FPGA design for anomaly detection of the same accuracy.",
    QUE,
)

SPEEDUPS = {
    "Que et al., a CPU": Figure(82, QUE),
    "Que et al., a GPU": Figure(208, QUE),
    "Li et al., a Titan X": Figure(8.3, LI_2018, "for small batches"),
}
"""How many times as fast as what the authors say that their pipelines are."""


def is_binary(network: Network) -> bool:
    """Are all weights +1 and -1?"""
    return all(isinstance(layer, Convolution) for layer in network.every if isinstance(layer, Linear))


def is_paper_network(network: Network) -> bool:
    """Is it the network of Li et al.?"""
    channels = tuple(layer.channels for layer in network.every if isinstance(layer, Linear))
    return is_binary(network) and network.operations == OPERATIONS and channels == CHANNELS
