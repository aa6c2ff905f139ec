"""Texts as they may be published: no folder of the machine that they were made on."""

import re
from collections.abc import Sequence
from dataclasses import replace

from apronwatch.interchange.files import public_name
from apronwatch.remote import is_url
from apronwatch.sceneinfo import SceneInfo

# Greedy, from where an absolute path begins to the last separator: names of folders may hold blanks.
_ABSOLUTE = re.compile(r"(?<![\w:/\\])(?:~|[A-Za-z]:)?[/\\](?:.*[/\\])?")
_RELATIVE = re.compile(r"(?<![\w:/\\.~-])(?:[\w.~-]+[/\\])+(?=[\w.~-]+\.\w)")


def published(text: str, paths: Sequence[str] = ()) -> str:
    """A message without folders: known paths by their public names, what else looks like one cut to its last part."""
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(path, public_name(path))
    return _RELATIVE.sub("", _ABSOLUTE.sub("", text))


def published_scene(info: SceneInfo, paths: Sequence[str]) -> SceneInfo:
    """The facts of a scene without folders."""
    warnings = tuple(published(warning, paths) for warning in info.warnings)
    return replace(info, path=scene_name(info.path), warnings=warnings)


def scene_name(path: str) -> str:
    """A scene's file name (with the `#id` of a STAC item), or its address."""
    if is_url(path):
        return public_name(path)
    name, mark, item = path.partition("#")
    return public_name(name) + mark + item
