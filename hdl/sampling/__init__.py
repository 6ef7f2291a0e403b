"""The sampling layer and its blocks: from a posterior and noise to samples and scores."""
