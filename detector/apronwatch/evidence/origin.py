"""What a run was counted from, found again where the archive says that it lay."""

import glob
from dataclasses import dataclass, replace

from apronwatch.archive import ArchivedRun
from apronwatch.errors import Uncheckable
from apronwatch.evidence.items import item_of
from apronwatch.evidence.names import published, published_scene
from apronwatch.evidence.sources import FoundMasks, MaskFiles, masks_again, reopened
from apronwatch.evidence.told import NO_MASK, ItemTold, MaskTold
from apronwatch.report.looks import picture_of
from apronwatch.scene import Scene

OF_TIME = "TIFFTAG_DATETIME"
"""A warning with this word is of the time, which the archive may know better than the picture."""


@dataclass(frozen=True, eq=False)
class Origin:
    """What a run was counted from.

    Attributes:
        run: the run.
        place: the path, or the STAC item, by which picture and masks are found; else that of the archive.
        scene: closed: it opens itself again when it is read; None where the picture is not at hand.
        masks: None where they are not at hand.
    """

    run: ArchivedRun
    place: str
    scene: Scene | None
    masks: FoundMasks | None

    @property
    def published(self) -> ArchivedRun:
        """The run without folders of this machine; its picture as it says of itself at the place where it is found."""
        run, paths = self.run, (*self.run.scene_paths, self.place)
        facts = replace(run.scene, path=self.place)
        if self.scene is not None:
            said = [warning for warning in facts.warnings if OF_TIME in warning]
            here = self.scene.info
            facts = replace(facts, attribution=here.attribution, warnings=(*here.warnings, *said))
        failure = published(run.failure, paths) if run.failure is not None else None
        return replace(run, scene=published_scene(facts, paths), failure=failure, scene_paths=())

    @property
    def item(self) -> ItemTold | None:
        """The STAC item of the picture, if it is at hand."""
        return item_of(self.place) if self.scene is not None else None

    @property
    def why_not(self) -> str:
        """Why the picture cannot be shown; empty where it can."""
        if self.scene is not None:
            return ""
        with picture_of(self.run) as (_, why):
            return published(why, self.run.scene_paths)

    @property
    def mask(self) -> tuple[dict[str, bytes], MaskTold | None]:
        """The files of the mask that a user gave, and what was laid over the scene; None where it is not at hand."""
        if not self.run.masks_hash:
            return {}, NO_MASK
        if self.masks is None:
            return {}, None  # the README and the notes say that it is missing
        file = self.masks.file
        if file is None:
            return {}, MaskTold(None, None, self.masks.item)
        # A Shapefile is several files of one stem.
        several = file.parent.glob(f"{glob.escape(file.stem)}.*") if file.suffix == ".shp" else [file]
        files = {f"mask/{one.name}": one.read_bytes() for one in several}
        return files, MaskTold(f"mask/{file.name}", self.masks.hides, self.masks.item)


def find_origin(run: ArchivedRun, masks: MaskFiles) -> Origin:
    """The picture and the masks of a run: of the paths to its bits that by which its masks are found, too.

    Remote pictures are not fetched again.
    """
    found = Origin(run, run.scene.path, None, None)
    if run.scene.sha256 is None:
        return found
    for place in dict.fromkeys((run.scene.path, *reversed(run.scene_paths))):
        try:
            with reopened(run.scene, [place]) as scene:
                found = found if found.scene else Origin(run, place, scene, None)
                return Origin(run, place, scene, masks_again(scene, run.site, run.masks_hash, masks))
        except Uncheckable:
            continue
    return found
