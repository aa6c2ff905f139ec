"""Fitting a detector to prepared tiles, with labels that are known in part."""
