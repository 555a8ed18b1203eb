"""Numbers, days and names of the data as people read them, in the language of the moment."""

from __future__ import annotations

from datetime import date, timedelta

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_symbol
from rich.text import Text

from forecast.language import ENGLISH, say, spoken

HARD = "\N{NO-BREAK SPACE}"


def number(value: float, digits: int = 0) -> str:
    """With thousands separated and as many decimals as asked for: 1,234.5."""
    return str(format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", locale=spoken()))


def money(amount: float) -> str:
    """Three digits that count: 3.28M, 87.6k, 9,500, 12."""
    size, letter = _scaled(abs(amount))
    if letter:
        return _signed(amount, number(size, 2 if size < 9.995 else 1 if size < 99.95 else 0) + letter)
    digits = 0 if size >= 100 or size < 0.005 else len(f"{size:.3g}".partition(".")[2])
    return _signed(amount, number(size, digits))


def brief(amount: float) -> str:
    """A round amount without needless zeros: 2.5M, 4M."""
    size, letter = _scaled(abs(amount))
    digits = len(f"{size:.2f}".rstrip("0").partition(".")[2])
    return _signed(amount, number(size, digits) + letter)


def _scaled(size: float) -> tuple[float, str]:
    """The size in thousands, millions or billions, where it has so many, and the letter for these."""
    if size >= 0.9995e9:
        return size / 1e9, say("B")
    if size >= 0.9995e6:
        return size / 1e6, say("M")
    return (size / 1e3, say("k")) if size >= 9_999.5 else (size, "")


def _signed(amount: float, told: str) -> str:
    return f"-{told}" if amount < 0 and told != "0" else told


def signed(amount: float) -> str:
    """+1.20k or −1.20k; 0 for what is shown as nothing."""
    told = money(abs(amount))
    return told if told == "0" else f"{'+' if amount > 0 else '−'}{told}"


def with_unit(amount: str, currency: str) -> str:
    """3.28M USD; in French 3,28 M€. The amount alone where no currency is given."""
    if spoken() == ENGLISH or not currency:
        return f"{amount} {currency}".rstrip()
    gap = "" if amount[-1:].isalpha() else HARD
    return f"{amount}{gap}{get_currency_symbol(currency, locale=spoken())}"


def exact(amount: float) -> str:
    """With thousands separated, cents only where there are some."""
    cents = number(amount, 2)
    return number(round(amount)) if cents[-2:] == "00" else cents


def percent(share: float) -> str:
    """Never 0 or 100: a simulation cannot know that."""
    gap = " " if spoken() == ENGLISH else HARD
    if share < 0.01:
        return f"<{gap}1{gap}%"
    return f">{gap}99{gap}%" if share > 0.99 else f"{number(100 * share)}{gap}%"


def points(share: float) -> str:
    """A difference of probabilities or shares in points, with its sign: +5, −0.4; 0 for none."""
    size = 100 * abs(share)
    if size < 0.05:
        return "0"
    return f"{'−' if share < 0 else '+'}{number(size, 0 if size >= 0.95 else 1)}"


def chance(share: float, error: float) -> str:
    """A probability with its simulation error in points: '31 % (± 1)'."""
    if not 0.01 <= share <= 0.99:
        return percent(share)
    return f"{percent(share)} (± {error_told(error)})"


def error_told(error: float) -> str:
    """A standard error of a probability in points."""
    off = 100 * error
    return number(off) if off >= 0.95 else number(max(off, 0.1), 1)


def day(text: str) -> str:
    """'2017-10-01' as '1 October 2017'."""
    told = str(format_date(date.fromisoformat(text), "d MMMM y", locale=spoken()))
    return f"1er{told[1:]}" if spoken() == "fr" and told.startswith("1 ") else told


def month(text: str, *, year: bool = True) -> str:
    """'2017-10' as 'Oct 2017', or 'Oct'."""
    first = date.fromisoformat(f"{text[:7]}-01")
    return str(format_date(first, "MMM y" if year else "MMM", locale=spoken()))


def span(start: str, end: str) -> str:
    """'1 October to 31 December 2017'."""
    first, last = day(start), day(end)
    return say("{start} to {end}", start=first.removesuffix(last[-5:]), end=last)


def called(label: str) -> str:
    """The label of a period: 2017Q4, in French T4 2017; 2026-01-10 to 2026-06-30; of whole months, Jan to Jun 2026."""
    if is_quarter(label):
        return say("{year}Q{which}", year=label[:-2], which=label[-1])
    first, days, last = label.partition("..")
    if days and first.endswith("-01") and (date.fromisoformat(last) + timedelta(days=1)).day == 1:
        return say("{start} to {end}", start=month(first, year=first[:4] != last[:4]), end=month(last))
    return say("{start} to {end}", start=first, end=last) if days else label


def is_quarter(label: str) -> bool:
    """2017Q4 and the like."""
    return label[-2:-1] == "Q"


def horizon(text: str) -> str:
    """'quarter' as 'the rest of the quarter', '4w' as '4 weeks'."""
    if text[:1].isdigit():
        one, several = {
            "d": (say("1 day"), say("{number} days", number=text[:-1])),
            "w": (say("1 week"), say("{number} weeks", number=text[:-1])),
            "m": (say("1 month"), say("{number} months", number=text[:-1])),
        }[text[-1]]
        return one if text[:-1] == "1" else several
    return {
        "month": say("the rest of the month"),
        "quarter": say("the rest of the quarter"),
        "year": say("the rest of the year"),
    }[text]


def plain(text: object, length: int = 40) -> str:
    """Words of the data on one line of at most `length` columns, without anything that a terminal obeys."""
    line = Text(" ".join("".join(c if c.isprintable() else " " for c in str(text)).split()))
    line.truncate(length, overflow="ellipsis")
    return line.plain
