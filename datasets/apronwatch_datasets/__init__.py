"""Datasets of Apronwatch: synthetic scenes with exact truth."""
