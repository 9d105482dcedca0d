"""Expressions that dashboards repeat. Pure."""

from __future__ import annotations

RATE = "[1m]"


def quantile(share: float, name: str, by: str = "", where: str = "") -> str:
    """Give a histogram's quantile over a minute; `by` are labels, `where` a selector."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({name}_bucket{where}{RATE})))"


def rate(name: str, by: str = "", where: str = "") -> str:
    """Give the sum of a counter's rates over a minute."""
    inner = f"(rate({name}{where}{RATE}))"
    return f"sum by ({by}) {inner}" if by else f"sum{inner}"
