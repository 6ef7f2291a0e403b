"""The variational autoencoders that ship with the project, as plain PyTorch modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..networks.anomaly import VARIANCE


class Vae(nn.Module):
    """A fully stochastic autoencoder (Kingma and Welling, arXiv:1312.6114): its result is the reconstruction from a sampled z.

    The encoder ends in a vector of `features`; mu and logvar (the logarithm of the variance) are linear in it.
    """

    def __init__(self, encoder: nn.Module, features: int, latents: int, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.mu = nn.Linear(features, latents)
        self.logvar = nn.Linear(features, latents)
        self.decoder = decoder

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar, (N, latents) each."""
        features = self.encoder(x)
        return self.mu(features), self.logvar(features)

    def sample(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """z, by the reparameterisation (equation 10 of the paper)."""
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction, in [0, 1]."""
        return self.decoder(self.sample(*self.posterior(x)))


class Trigger(Vae):
    """Encoder, sampler and score; the decoder serves in training only."""

    def forward(self, x: Tensor) -> Tensor:
        """z, the sum of mu squared, and the KL divergence from the standard normal: (N, latents + 2)."""
        mu, logvar = self.posterior(x)
        radius = (mu * mu).sum(1, keepdim=True)
        return torch.cat([self.sample(mu, logvar), radius, divergence(mu, logvar).sum(1, keepdim=True)], 1)


def divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence of each latent from the standard normal, in nats (appendix B of the paper)."""
    return 0.5 * (mu * mu + torch.exp(logvar) - 1 - logvar)


class Scale(nn.Module):
    """y = gain * x."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


class Reshape(nn.Module):
    """A vector as an image of the given channels, height and width."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


class OnGrid(nn.Module):
    """Rounds weights to integers of `bits` bits, symmetric about zero, times the finest power of two that holds them all.

    The gradient passes straight through.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.largest = 2 ** (bits - 1) - 1

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            step = torch.exp2(torch.ceil(torch.log2(weight.abs().max() / self.largest)))
            rounded = torch.round(weight / step) * step
        return weight + (rounded - weight).detach()


def digits_vae() -> Vae:
    """8x8 digits: two 3x3 convolutions of stride 2, 8 latents, and the way back by transposed convolutions; 28,000 products."""
    encoder = nn.Sequential(
        Scale(1 / 16),
        nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.LeakyReLU(0.125),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(8, 96), nn.ReLU(),
        Reshape(24, 2, 2),
        nn.ConvTranspose2d(24, 12, 3, stride=2, padding=1, output_padding=1), nn.LeakyReLU(0.125),
        nn.ConvTranspose2d(12, 1, 4, stride=2, padding=1), nn.Sigmoid(),
    )  # fmt: skip
    return Vae(encoder, 96, 8, decoder)


def mnist_vae() -> Vae:
    """28x28 MNIST: two 3x3 convolutions of stride 2, 16 latents, and back by transposed convolutions; 234,000 products."""
    encoder = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(16, 784), nn.ReLU(),
        Reshape(16, 7, 7),
        nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1), nn.Sigmoid(),
    )  # fmt: skip
    return Vae(encoder, 784, 16, decoder)


def trigger_vae() -> Trigger:
    """64-32-16-2x8 with weights of 6 bits, for 8x8 digits as vectors."""
    encoder = nn.Sequential(Scale(1 / 16), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())
    model = Trigger(encoder, 16, 8, decoder)
    for module in (*encoder, model.mu, model.logvar):
        if isinstance(module, nn.Linear):
            parametrize.register_parametrization(module, "weight", OnGrid(6))
            parametrize.register_parametrization(module, "bias", OnGrid(9))
    return model


def trigger_57() -> Trigger:
    """57-32-16-2x13."""
    encoder = nn.Sequential(Scale(2.0**-8), nn.Linear(57, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
    return Trigger(encoder, 16, 13, nn.Identity())


def dense_autoencoder() -> Vae:
    """784-400-2x20-400-784."""
    encoder = nn.Sequential(Scale(1 / 255), nn.Linear(784, 400), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())
    return Vae(encoder, 400, 20, decoder)


@dataclass(frozen=True)
class Recipe:
    """How a shipped autoencoder is trained: its module, data set and schedule."""

    build: Callable[[], Vae]
    dataset: str
    epochs: int
    batch: int
    learning_rate: float
    levels: int
    """Steps of a pixel from black to white: the reconstruction is to be the image divided by it."""
    variance: float = VARIANCE
    """Variance of a pixel about its reconstruction; the larger, the closer fresh samples are to the images, and the less
    close reconstructions."""
    flat: bool = False
    """Are images taken as vectors?"""
    without: int | None = None
    """A class that is left out of the training images, to be told as an anomaly."""
    exposed: bool = False
    """Is the encoder shown mirrored images as outliers?"""


RECIPES = {
    "digits_vae": Recipe(digits_vae, "digits", epochs=300, batch=64, learning_rate=3e-3, levels=16),
    "mnist_vae": Recipe(mnist_vae, "mnist", epochs=30, batch=200, learning_rate=3e-3, levels=1, variance=1 / 12),
    "trigger_vae": Recipe(
        trigger_vae, "digits", epochs=400, batch=64, learning_rate=3e-3, levels=16, flat=True, without=1, exposed=True
    ),
}

MODULES: dict[str, Callable[[], Vae]] = {name: recipe.build for name, recipe in RECIPES.items()} | {
    "trigger_57": trigger_57,
    "dense_autoencoder": dense_autoencoder,
}
"""Those that are trained, and those whose weights are seeded."""

ANOMALY_SET = {f"digits_vae_no{digit}": replace(RECIPES["digits_vae"], without=digit) for digit in range(10)}
"""The digits' autoencoder with each class left out in turn."""
