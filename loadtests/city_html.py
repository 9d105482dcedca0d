"""Pieces of the city's report in two languages: headings, paragraphs, tables. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

BOUND_ZH = {"the service's core": "服务的核心", "the viewers' process": "模拟观众的进程",
            "the machine": "整台机器", "memory": "内存", "nothing yet": "都还有余"}  # fmt: skip


def heading(zh: str, en: str) -> str:
    """Give a heading."""
    return f"<h2>{escape(zh)} <span class=en>{escape(en)}</span></h2>"


def named(zh: str, en: str) -> str:
    """Give a name in both languages, one below the other."""
    return f"{escape(zh)}<br><span class=en>{escape(en)}</span>"


def said(zh: str, en: str) -> str:
    """Give a paragraph."""
    return f"<p>{escape(zh)} <span class=en>{escape(en)}</span></p>"


def bound(en: str) -> str:
    """Name what was full."""
    zh = "、".join(BOUND_ZH[name] for name in en.split(" and "))
    return named(zh, en)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<div class=wide><table><tr>{head}</tr>\n{body}</table></div>"


def _cell(cell: str) -> str:
    is_figure = cell[:1].isdigit() and "<" not in cell
    return f"<td{' class=n' if is_figure else ''}>{cell}</td>"
