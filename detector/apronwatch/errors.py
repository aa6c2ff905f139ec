"""Every error the program raises: one base, one-line subclasses.

A message says what was found, what was expected and what to do, in one line.
"""


class ApronwatchError(Exception):
    """Base of every error that a user can mend; the command line prints it in one line and exits with 2."""


class CallInvalid(ApronwatchError):
    """Options of a command that contradict each other, or one that is missing."""


class SceneUnreadable(ApronwatchError):
    """A file or address that cannot be opened or read as a raster (missing, truncated, no raster at all)."""


class SceneNotGeocoded(ApronwatchError):
    """A scene that carries only RPCs or ground control points: it must be warped first."""


class BandsUnclear(ApronwatchError):
    """Bands whose meaning cannot be told (neither colour interpretation nor a usual order)."""


class NoTime(ApronwatchError):
    """No source gave the time of acquisition."""


class ContradictingTimes(ApronwatchError):
    """Two sources of the time of acquisition lie a day or more apart."""


class BadTime(ApronwatchError):
    """A time that is not ISO 8601."""


class NoGsd(ApronwatchError):
    """A picture without georeference needs its ground sample distance told."""


class ContradictingGsd(ApronwatchError):
    """A told ground sample distance that the scene's georeference contradicts."""


class ManifestInvalid(ApronwatchError):
    """A manifest that cannot be read row by row."""


class MaskInvalid(ApronwatchError):
    """A mask file that cannot be laid over its scene."""


class SiteInvalid(ApronwatchError):
    """A site file that breaks its contract."""


class OsmUnreadable(ApronwatchError):
    """An extract of OpenStreetMap that cannot be read, or holds nothing to import."""


class SiteUnknown(ApronwatchError):
    """A site or zone name that the file or archive does not hold."""


class ClassUnknown(ApronwatchError):
    """A class name that is not counted."""


class ScenarioInvalid(ApronwatchError):
    """A scenario of synthetic scenes that cannot be read, or asks for what cannot be drawn."""


class ModelUnknown(ApronwatchError):
    """A model name or file that no registry names."""


class ModelCorrupted(ApronwatchError):
    """Weights whose SHA-256 differs from the registry's."""


class ModelInvalid(ApronwatchError):
    """Weights whose inputs or outputs are not what the registry says."""


class TileTooSmall(ApronwatchError):
    """Tiles that cannot hold the longest object counted at their GSD."""


class DeviceUnavailable(ApronwatchError):
    """A device was asked for that this machine does not have."""


class ExtraMissing(ApronwatchError):
    """A feature whose optional packages are not installed."""


class NetworkUnavailable(ApronwatchError):
    """Something had to be fetched and could not be."""


class EngineFailed(ApronwatchError):
    """The engine broke while a scene was being looked at."""


class ArchiveInvalid(ApronwatchError):
    """An archive that cannot be opened, is of another schema, or is no archive at all."""


class ArchiveOutdated(ApronwatchError):
    """An archive of an older schema: `apronwatch archive upgrade` mends it."""


class ArchiveUnwritable(ApronwatchError):
    """The archive could not be written (disk full, read-only, lost connection)."""


class RunUnknown(ApronwatchError):
    """A run or scene id that the archive does not hold."""


class DetectionsUnreadable(ApronwatchError):
    """A file of detections that does not hold what its format says."""


class DatasetInvalid(ApronwatchError):
    """A folder that does not hold the dataset it was said to hold, or one with faults that were not to be borne."""


class ClassMapInvalid(ApronwatchError):
    """A table of source classes that cannot be read, or that says two things of one class."""


class ConfigInvalid(ApronwatchError):
    """A file that describes a run and cannot be read, or asks for what cannot be."""


class TilesInvalid(ApronwatchError):
    """A folder of training tiles that is not whole, or was not prepared by `apronwatch data prepare`."""


class LeakFound(ApronwatchError):
    """Images of different splits that show the same ground."""


class LookUnknown(ApronwatchError):
    """A time at which the archive holds no look of a site, or more than one."""


class EvidenceInvalid(ApronwatchError):
    """A folder that is no evidence, or evidence that contradicts itself."""


class Uncheckable(ApronwatchError):
    """Evidence that cannot be counted again here: its scene, mask or weights are missing, or the settings differ."""


class OutputInvalid(ApronwatchError):
    """An output path or format that cannot be written."""
