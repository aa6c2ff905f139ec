"""Labelled images in, training tiles out."""
