"""Calibration: what scores and recall of finished weights are worth, measured on places they never learned from."""
