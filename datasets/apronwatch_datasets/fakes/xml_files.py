"""XML label files of nested tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

Content = Mapping[str, "Content | Sequence[Content | str] | str | int | float"]
"""Tag -> text, or the element's own content, or a list of those, one element each."""


def write_xml(path: Path, root: str, content: Content) -> None:
    """An XML file with a root element of that tag."""
    path.parent.mkdir(parents=True, exist_ok=True)
    element = ElementTree.Element(root)
    _fill(element, content)
    ElementTree.indent(element)
    path.write_bytes(ElementTree.tostring(element, encoding="utf-8", xml_declaration=True))


def _fill(element: ElementTree.Element, content: Content) -> None:
    for tag, value in content.items():
        items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for item in items:
            child = ElementTree.SubElement(element, tag)
            if isinstance(item, Mapping):
                _fill(child, item)
            else:
                child.text = str(item)
