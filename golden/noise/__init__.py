"""The Gaussian sampler, word by word, and its distribution."""
