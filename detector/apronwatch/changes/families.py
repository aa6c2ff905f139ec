"""The rows whose tests are one family: those of all sites of an archive, whichever of them is asked for."""

from apronwatch.archive import Archive
from apronwatch.archive.rows import SeriesRow
from apronwatch.errors import ModelUnknown


def family_rows(
    archive: Archive, model: str | None = None, *, site: str | None = None
) -> tuple[list[SeriesRow], list[str]]:
    """The rows of all sites that have runs of the weights, and the names of the sites that have none.

    Args:
        archive: where they are.
        model: only runs of these weights, by name or SHA-256; by default each look's newest run.
        site: one that must be there.

    Raises:
        SiteUnknown: the archive does not hold the site.
        ModelUnknown: the site, or no site, has runs of these weights.
    """
    rows = archive.series(site, model=model) if site is not None else []
    others = [name for name in archive.sites() if name != site]
    without = []
    for name in others:
        try:
            rows += archive.series(name, model=model)
        except ModelUnknown:
            without.append(name)
    if without and site is None and len(without) == len(others):
        raise ModelUnknown(
            f"no site of this archive has runs of model {model}; see `apronwatch archive runs`"
        )
    return rows, without
