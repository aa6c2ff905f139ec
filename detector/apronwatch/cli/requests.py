"""What `count` and `detect` are asked to look at, from their arguments."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from apronwatch.errors import CallInvalid, SiteUnknown
from apronwatch.manifest import SceneRequest, expand, read_manifest
from apronwatch.site import Site, read_sites


def gather(images: Sequence[str], manifest: Path | None, **given: Any) -> list[SceneRequest]:
    """The scenes named on the command line and in the manifest; options fill what a manifest's row leaves open.

    Args:
        images: files, addresses, STAC items or collections.
        manifest: CSV of scenes.
        given: `site, time, undated, gsd_m, mask, mask_hides, no_item_mask` from the options.
    """
    if given.get("site") is not None and not given["site"].strip():
        raise CallInvalid("--site is empty: give the name of a site, or leave the option out")
    if given.get("time") is not None and given.get("undated"):
        raise CallInvalid("--time and --undated contradict each other: give one of them")
    rows = [request for image in images for request in expand(image)]
    if manifest is not None:
        rows += [request for row in read_manifest(manifest) for request in expand(row)]
    if not rows:
        raise CallInvalid("no scene to look at: name an IMAGE or a --manifest")
    if len(rows) > 1 and given.get("time") is not None:
        raise CallInvalid(f"--time names one time and there are {len(rows)} scenes: use a --manifest")
    if len(rows) > 1 and given.get("mask"):
        raise CallInvalid(f"--mask hides the clouds of one scene and there are {len(rows)}: use a --manifest")
    filled = [_filled(row, given) for row in rows]
    if given.get("mask_hides") and not any(row.mask for row in filled):
        raise CallInvalid("--mask-hides names values of a mask and there is none: give it with --mask")
    return filled


def hiding(text: str | None) -> tuple[int, ...] | None:
    """The values of `--mask-hides`: whole numbers, separated by commas."""
    if text is None:
        return None
    try:
        return tuple(sorted({int(value) for value in text.split(",")}))
    except ValueError as error:
        raise CallInvalid(f"--mask-hides {text}: expected whole numbers such as 3,8,9,10") from error


def _filled(row: SceneRequest, given: dict[str, Any]) -> SceneRequest:
    if row.time is not None:
        given = {**given, "undated": False}
    open_fields = {k: v for k, v in given.items() if v is not None and getattr(row, k) in (None, False)}
    return replace(row, **open_fields)


def named_sites(path: Path | None, site_id: str | None) -> list[Site] | None:
    """The sites of a file, or the one of them that is named; None without a file."""
    if path is None:
        return None
    sites = read_sites(path)
    if site_id is None:
        return sites
    chosen = [site for site in sites if site.id == site_id]
    if not chosen:
        raise SiteUnknown(f"{path}: no site {site_id}; it holds {', '.join(sorted(s.id for s in sites))}")
    return chosen
