"""HTML that escapes by construction: only what these functions made is markup, all other text is escaped."""

import base64
import html
import re
from io import BytesIO
from typing import Any

from PIL import Image

_VOID = frozenset({"img", "br"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(content: str) -> Markup:
    """Any text as HTML, safe in content and attributes; control characters, which HTML lacks, are marked."""
    if isinstance(content, Markup):
        return content
    return Markup(html.escape(_CONTROL.sub("�", content), quote=True))


def tag(name: str, *content: str, **attributes: Any) -> Markup:
    """An element. `class_` and `data_zone` stand for `class` and `data-zone`; None leaves one out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{''.join(text(part) for part in content)}</{name}>")


def join(parts: "list[Markup]", by: str = "\n") -> Markup:
    """Elements one after another."""
    return Markup(text(by).join(parts))


def name(given: str) -> Markup:
    """A name from outside, set apart so that its writing direction cannot turn what stands around it."""
    return tag("bdi", given)


def picture(image: Image.Image, alt: str, *, quality: int = 76) -> Markup:
    """A JPEG within the page."""
    drawn = BytesIO()
    image.save(drawn, "JPEG", quality=quality, optimize=True)
    return data_image(drawn.getvalue(), "image/jpeg", alt, *image.size)


def data_image(content: bytes, kind: str, alt: str, width: int, height: int) -> Markup:
    """A picture of any kind within the page; its size is told, so that the page does not jump."""
    source = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return tag("img", src=source, alt=alt, width=width, height=height)
