"""An answer on one screen of a terminal: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from forecast import terminal_levers
from forecast.screen import Column, tables
from forecast.words import chance, day, exact, horizon, money, percent, plain, span, with_unit

STAGE = 30

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print what was asked, the probability, the range, what drives it, what really happened, the files."""
    parts = (_asked, _chances, _ranges, _drivers, terminal_levers.brief, _stages, _basis, _happened, _files)
    first = True
    for part in parts:
        lines = list(part(summary, screen.width))
        if lines and not first:
            screen.print()
        first = False
        for line in lines:
            screen.print(line)


def _span(period: Summary) -> str:
    """'in 2017Q4', or between two days where the period is called by them."""
    if ".." in period["period"]:
        return f"from {span(period['start'], period['end'])}"
    return f"in {period['period']}"


def _heading(period: Summary) -> str:
    """Over a column; a range of days takes two lines."""
    return str(period["period"]).replace("..", "\nto ")


# The parts, from top to bottom.


def _asked(summary: Summary, width: int) -> Iterator[RenderableType]:
    name = plain(summary["funnel"] or "this funnel", 60)
    yield Text(f"Can {name} reach its target{'s' if len(summary['periods']) > 1 else ''}?", style="bold")
    yield Text(f"Asked as of {day(summary['origin'])}; nothing recorded on that day or later is used.")
    for period in summary["periods"]:
        target = with_unit(exact(period["target"]), summary["currency"])
        days = "" if ".." in period["period"] else f" ({span(period['start'], period['end'])})"
        yield Text(f"  {target} {_span(period)}{days}")


def _chances(summary: Summary, width: int) -> Iterator[RenderableType]:
    simulated = False
    for period in summary["periods"]:
        target = with_unit(money(period["target"]), summary["currency"])
        if period["gap"] <= 0:
            won = with_unit(money(period["won_to_date"]), summary["currency"])
            yield Text(f"The target of {target} {_span(period)} is reached already: {won} is won.", "bold")
            continue
        simulated = True
        yield Text.assemble(
            f"The chance of reaching {target} {_span(period)} is ",
            (chance(period["p_hit"], period["p_hit_se"]), "bold"),
            ".",
        )
    if not summary["fit"]["healthy"]:
        yield Text("Do not rely on this: the model check was not passed (see below).", style="bold red")
    if simulated:
        note = f"± is the standard error, in points, of simulating {summary['draws']:,} draws."
        yield Text(note, style="dim")


def _ranges(summary: Summary, width: int) -> Iterator[RenderableType]:
    columns = [_range(_heading(period), period) for period in summary["periods"]]
    months: dict[str, Summary] = {}
    for period in sorted(summary["periods"], key=_length, reverse=True):
        for month in period["by_month"]:
            if month["simulated"]:
                months.setdefault(month["month"], month)
    shown = dict(sorted(months.items())[:24])
    columns += [_range(name, month) for name, month in shown.items()]
    title = f"Revenue, {summary['currency'] or 'no currency given'}"
    yield from tables(title, ["P10: 1 in 10 lower", "P50: the middle", "P90: 1 in 10 higher"], columns, width)
    if len(months) > len(shown):
        yield Text(f"{len(months) - len(shown)} later months are in the file that --json writes.", style="dim")


def _length(period: Summary) -> int:
    return (date.fromisoformat(period["end"]) - date.fromisoformat(period["start"])).days


def _range(heading: str, of: Summary) -> Column:
    return Column(heading, [money(of[key]) for key in ("p10", "p50", "p90")])


def _drivers(summary: Summary, width: int) -> Iterator[RenderableType]:
    rtv = "Viable open deals, value (RTV)" if summary["open"]["amounts_known"] else "Viable open deals, estimate (RTV)"
    labels = [
        "Won to date",
        "Still missing (GAP)",
        rtv,
        "Open deals / GAP; weighted by stage",
        f"RTV / GAP (funnel factor); needed for {percent(summary['periods'][0]['wanted'])}",
        "Expected from deals so far; yet to come",
        "Share of the 1 / 3 / 5 largest clients",
    ]
    columns = [Column(_heading(period), _driven(period)) for period in summary["periods"]]
    yield from tables("What drives it", labels, columns, width)
    if any(period["clients"]["unknown"] for period in summary["periods"]):
        yield Text("Clients of open deals that name none are drawn from past deals.", style="dim")
    first = next((period for period in summary["periods"] if period["gap"] > 0), None)
    if first is not None and first["clients"]["sentence"] is not None:
        yield Text(f"{_heading(first)}: ".replace("\n", " ") + plain(first["clients"]["sentence"], 2 * width))


def _driven(period: Summary) -> list[str]:
    shares = period["clients"]["shares"]
    return [
        money(period["won_to_date"]),
        money(period["gap"]) if period["gap"] > 0 else "none",
        money(period["rtv"]),
        f"{_times(period['coverage'])}; {_times(period['weighted_coverage'])}",
        f"{_times(period['funnel_factor'])}; {_times(period['ideal_factor'])}",
        f"{money(period['from_open'])}; {money(period['from_new'])}",
        " / ".join(_share(shares.get(top)) for top in ("1", "3", "5")),
    ]


def _times(factor: float | None) -> str:
    return "–" if factor is None else f"{factor:.2f}"


def _share(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _stages(summary: Summary, width: int) -> Iterator[RenderableType]:
    stages = summary["stages"]
    names = [plain(stage["stage"], STAGE) for stage in stages]
    columns = [
        Column("open now", [f"{stage['open']:,}" for stage in stages]),
        Column("move on or win", [_conversion(stage["conversion"]) for stage in stages]),
        Column("days until then", [_days(stage["lead_time_days"]) for stage in stages]),
    ]
    yield from tables("Stage (95 % intervals)", names, columns, width)


def _conversion(rate: Mapping[str, float | None]) -> str:
    middle, low, high = rate["p50"], rate["low"], rate["high"]
    if middle is None:
        return "–"
    if low is None or high is None:
        return percent(middle)
    return f"{percent(middle)} ({percent(low).removesuffix(' %')} to {percent(high).removesuffix(' %')})"


def _days(time: Mapping[str, float | None]) -> str:
    middle, low, high = time["p50"], time["low"], time["high"]
    if middle is None:
        return "–"
    digits = 0 if middle >= 10 else 1
    known = low is not None and high is not None
    return f"{middle:.{digits}f}" + (f" ({low:.{digits}f} to {high:.{digits}f})" if known else "")


def _basis(summary: Summary, width: int) -> Iterator[RenderableType]:
    now, new, rows, fit = summary["open"], summary["new_deals"], summary["quality"], summary["fit"]
    viable = f"{now['viable']:,} of them viable (the client has committed)"
    if now["viable"] == now["deals"]:
        viable = "all of them viable"
    worth = f", worth {with_unit(money(now['value']), summary['currency'])}" if now["amounts_known"] else ""
    expected, recent = (_number(new[key]) for key in ("expected_per_month", "recent_per_month"))
    yield Text(
        f"Open deals: {now['deals']:,}, {viable}{worth}. New deals: {expected} a month expected, {recent} lately."
    )
    if (late := summary["overdue"])["deals"]:
        yield Text(_overdue(late, summary))
    if fit["healthy"]:
        good = fit["checked"] - fit["outside"]
        counts = f"{good:,} of {fit['checked']:,} counts of deals that leave a stage"
        worst = f"; furthest off: {plain(fit['worst'], 100)}" if fit["worst"] else ""
        yield Text(f"Model check: passed; {counts} are reproduced{worst}.")
    else:
        yield Text(f"Model check: NOT passed; {plain(fit['message'], 200)}", style="bold red")
    if fit["kept"]:
        yield Text("The fit was kept from an earlier question about the same data; --fresh makes it anew.", style="dim")
    if (past := summary["record"]) is not None:
        yield Text(record(past))
    why = ""
    if rows["reasons"]:
        first = max(rows["reasons"], key=lambda one: one["count"])
        mostly = "mostly: " if len(rows["reasons"]) > 1 else ""
        why = f" ({mostly}{plain(first['reason'], 48 - len(mostly))})"
    yield Text(f"Rows: {rows['read']:,} read = {rows['used']:,} used + {rows['set_aside']:,} set aside{why}")


def _overdue(late: Mapping[str, Any], summary: Summary) -> str:
    worth = with_unit(money(late["value"]), summary["currency"])
    told = f"Overdue: {late['deals']:,} of them, {worth}, past the age by which {percent(late['moved_on'])} move on"
    first = next((period for period in summary["periods"] if period["gap"] > 0), None)
    if first is None:
        return f"{told}."
    return f"{told}; without them {percent(first['without_overdue']['p_hit_without'])} {_span(first)}."


def record(past: Mapping[str, Any]) -> str:
    """The track record in a sentence."""
    ranges = f"{past['held']} of {past['questions']} past {100 * past['level']:.0f} % ranges"
    return f"Track record: {ranges} over {horizon(past['horizon'])} held the truth."


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _happened(summary: Summary, width: int) -> Iterator[RenderableType]:
    for period in summary["periods"]:
        actual = period["actual"]
        if actual is None:
            continue
        revenue = actual["revenue"]
        outcome = "target reached" if actual["hit"] else "target missed"
        place = (
            "below P10"
            if revenue < period["p10"]
            else "above P90"
            if revenue > period["p90"]
            else "between P10 and P90"
        )
        won = with_unit(money(revenue), summary["currency"])
        yield Text.assemble(f"What really happened {_span(period)}: ", (f"{won}, {outcome}", "bold"), f" ({place}).")


def _files(summary: Summary, width: int) -> Iterator[RenderableType]:
    holds = {
        "json": "answer", "samples": "simulations", "deals": "open deals", "report": "page",
        "workbook": "all, for Excel",
    }  # fmt: skip
    files = [f"{path} ({holds[kind]})" for kind, path in summary["files"].items() if path is not None]
    if not files:
        yield Text("Files: none; --out DIR writes the answer, the simulations, the open deals and a page to read.")
        return
    line = f"Files: {', '.join(files)}"
    if cell_len(line) <= width:
        yield Text(line)
    else:
        yield Text("Files:\n" + "\n".join(files))
