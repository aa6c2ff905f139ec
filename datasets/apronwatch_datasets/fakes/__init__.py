"""Tiny fakes of each dataset, damage included: what its tests and examples run on."""
