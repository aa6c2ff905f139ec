"""Commands of the training."""
