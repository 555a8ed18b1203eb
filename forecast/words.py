"""Numbers, days and names of the data as people read them."""

from __future__ import annotations

from datetime import date

from rich.text import Text


def money(amount: float) -> str:
    """Three digits that count: 3.28M, 87.6k, 9,500, 12."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= (9_999.5 if letter == "k" else 0.9995 * unit):
            scaled = size / unit
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{sign}{scaled:,.{digits}f}{letter}"
    small = f"{size:,.0f}" if size >= 100 or size < 0.005 else f"{size:.3g}"
    return small if small == "0" else sign + small


def signed(amount: float) -> str:
    """+1.20k or −1.20k; 0 for what is shown as nothing."""
    told = money(abs(amount))
    return told if told == "0" else f"{'+' if amount > 0 else '−'}{told}"


def with_unit(amount: str, currency: str) -> str:
    """3.28M USD; the amount alone where no currency is given."""
    return f"{amount} {currency}".rstrip()


def exact(amount: float) -> str:
    """With thousands separated, cents only where there are some."""
    return f"{amount:,.2f}".removesuffix(".00")


def percent(share: float) -> str:
    """Never 0 or 100: a simulation cannot know that."""
    if share < 0.01:
        return "< 1 %"
    return "> 99 %" if share > 0.99 else f"{share:.0%}".replace("%", " %")


def chance(share: float, error: float) -> str:
    """A probability with its simulation error in points: '31 % (± 1)'."""
    if not 0.01 <= share <= 0.99:
        return percent(share)
    points = 100 * error
    return f"{percent(share)} (± {f'{points:.0f}' if points >= 0.95 else f'{max(points, 0.1):.1f}'})"


def day(text: str) -> str:
    """'2017-10-01' as '1 October 2017'."""
    then = date.fromisoformat(text)
    return f"{then.day} {then:%B %Y}"


def span(start: str, end: str) -> str:
    """'1 October to 31 December 2017'."""
    first, last = day(start), day(end)
    return f"{first.removesuffix(last[-5:])} to {last}"


def horizon(text: str) -> str:
    """'quarter' as 'the rest of the quarter', '4w' as '4 weeks'."""
    if text[:1].isdigit():
        unit = {"d": "day", "w": "week", "m": "month"}[text[-1]]
        return f"{text[:-1]} {unit}{'' if text[:-1] == '1' else 's'}"
    return f"the rest of the {text}"


def plain(text: object, length: int = 40) -> str:
    """Words of the data on one line of at most `length` columns, without anything that a terminal obeys."""
    line = Text(" ".join("".join(c if c.isprintable() else " " for c in str(text)).split()))
    line.truncate(length, overflow="ellipsis")
    return line.plain
