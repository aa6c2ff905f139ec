"""Which images show one place: those that lie near each other on the ground."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""


def group_nearby(centres: Mapping[str, tuple[float, float]], within_m: float) -> dict[str, str]:
    """Places of images: two of which one lies within a distance of the other share theirs, and so on along a chain.

    Args:
        centres: longitude and latitude in degrees of each image's centre, by its name.
        within_m: the distance on the ground.

    Returns:
        For each image the first name, in sorted order, of those that share its place: it does not depend on the
        order of the images, nor on others far away.
    """
    names = sorted(centres)
    if not names:
        return {}
    lon, lat = np.radians(np.array([centres[name] for name in names], dtype=np.float64)).T
    # On the sphere neither the poles nor the antimeridian need care.
    points = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    chord = 2 * np.sin(within_m / EARTH_RADIUS_M / 2)
    pairs = cKDTree(points).query_pairs(chord, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(names), len(names)))
    _, labels = connected_components(links, directed=False)
    _, first = np.unique(labels, return_index=True)
    return {name: names[first[label]] for name, label in zip(names, labels, strict=True)}
