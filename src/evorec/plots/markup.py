"""Markup written by hand: escaped elements, and a page of one file that fetches nothing and runs nothing."""

import base64
import hashlib
import html
from typing import Final

_CLOSED: Final = {"meta", "line", "rect", "circle"}  # elements without content


class Markup(str):
    """Text that is markup already; every other text is escaped where it is put into markup."""

    __slots__ = ()


def text(value: object) -> Markup:
    """`value` as markup: escaped, and what cannot be printed (such as what turns the direction of writing) a space.

    >>> text("<b>&"), text(Markup("<b>"))
    ('&lt;b&gt;&amp;', '<b>')
    """
    if isinstance(value, Markup):
        return value
    return Markup(html.escape("".join(c if c.isprintable() else " " for c in str(value))))


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """An element; `class_` is written class, `text_anchor` text-anchor, and an attribute of None is left out.

    >>> tag("p", "a < b", class_="note", id=None)
    '<p class="note">a &lt; b</p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(f"{value:g}" if isinstance(value, float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _CLOSED and not content:
        return Markup(f"<{name}{given}>" if name == "meta" else f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{''.join(map(text, content))}</{name}>")


def drawing_of(width: float, height: float, label: str, *content: object) -> Markup:
    """An inline SVG of `width` x `height` units that fills the width it is given; `label` says what it shows."""
    return tag(
        "svg", *content, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label,
        font_family="system-ui, sans-serif", font_size=13,
    )  # fmt: skip


def document(title: str, body: Markup, *, language: str, style: str) -> str:
    """A page whose own policy forbids scripts, and everything that would have to be fetched; it allows `style` alone.

    >>> page = document("Tea & jam", tag("p", "x"), language="en", style="p{color:red}")
    >>> "<title>Tea &amp; jam</title>" in page, "default-src 'none'" in page.replace("&#x27;", "'")
    (True, True)
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        Markup(f"<style>{style}</style>"),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='zh-CN' if language == 'zh' else 'en')}\n"
