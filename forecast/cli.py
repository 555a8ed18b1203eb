"""The command line: it reads options, calls other modules, and prints what they return."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from forecast import drafting, outputs, record, setup, templates, terminal, terminal_backtest
from forecast.errors import FunnelError, near
from forecast.progress import bars
from forecast.question import question_from
from forecast.screen import console
from forecast.sources import load
from forecast.windows import usual_horizon, windows

SAMPLES = Path(__file__).parent / "samples"

app = typer.Typer(
    help="Can this sales funnel reach its target?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Source = Annotated[Path, typer.Argument(help="A funnel file (TOML), a folder with one, or a CSV or Parquet file.")]


def main() -> None:
    """The entry point: a user's mistake becomes a short message on stderr and exit code 2."""
    try:
        app(prog_name="funnel")
    except FunnelError as error:
        print(f"funnel: {error}", file=sys.stderr)
        sys.exit(2)


@app.callback()
def funnel() -> None:
    """Can this sales funnel reach its target?"""


@app.command()
def init(
    source: Annotated[
        Path | None, typer.Argument(help="A file of rows, or a folder with deals and stage_history.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it (default: funnel.toml beside the rows).")] = None,
    template: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Stages and assumptions of: {', '.join(templates.names())}.")
    ] = None,
    language: Annotated[str, typer.Option(help="Of the template's stages: en or fr.")] = "en",
    pipeline: Annotated[str | None, typer.Option(metavar="NAME", help="The one to read, of several.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Draft a commented funnel file from the columns that are found, from a template, or from both."""
    if source is None and template is None:
        remedy = f"Name a file of rows, or --template {templates.names()[0]} (or another)."
        raise FunnelError("there is nothing to draft from", remedy=remedy)
    if source is None:
        source = (out or Path("funnel.toml")).parent
        text = drafting.draft_of_template(str(template), language)
    else:
        text = ""
    beside = source if source.is_dir() else source.parent
    target = out or beside / "funnel.toml"
    if target.exists() and not force:
        remedy = "Choose another name with --out, or overwrite it with --force."
        raise FunnelError("this file is there already", file=target, remedy=remedy)
    if target.resolve().parent != beside.resolve():
        remedy = f"File names in it are relative to it: write it to {beside}."
        raise FunnelError("the funnel file must stand beside the rows", file=target, remedy=remedy)
    outputs.write_text(target, text or drafting.draft(source, template, language, pipeline))
    shown = console()
    shown.print(f"Wrote {escape(str(target))}. Check it, then run: funnel check {escape(str(target))}", soft_wrap=True)


@app.command()
def check(
    source: Source,
    out: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write what was found as CSV as well.")] = None,
) -> None:
    """Say what was understood of the data, what was set aside, and which questions they can answer."""
    if out is not None and out.suffix.lower() != ".csv":
        raise FunnelError(f"--out writes csv, not '{out.suffix}'", file=out, remedy="Give it a name ending in .csv.")
    config, tables = load(source)
    if out is not None:
        outputs.spare_inputs({"out": out}, config)
    seen = setup.understood(config, tables)
    report(seen, console())
    if out is not None:
        outputs.write_csv(out, seen.table())
        console().print(f"Wrote {escape(str(out))}.", soft_wrap=True)


@app.command()
def forecast(
    source: Annotated[
        Path | None,
        typer.Argument(help="A funnel file (TOML), a folder with one, or a CSV or Parquet file."),
    ] = None,
    sample: Annotated[str | None, typer.Option(help="Answer for a sample that comes along: maven or b2b.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The day of the question; nothing from that day on is used."),
    ] = None,
    period: Annotated[
        list[str] | None,
        typer.Option(metavar="PERIOD", help="2017Q4, 2017, 2017-10 or FROM..TO; may be repeated."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="AMOUNT", help="Revenue to reach in the period; one for each --period."),
    ] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="How many futures are simulated.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same answer.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores; same answer.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answer as JSON.")] = None,
    samples: Annotated[
        Path | None,
        typer.Option(metavar="FILE.parquet", help="Write the amount won by simulation and month."),
    ] = None,
    deals: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write what to expect of every open deal.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write all three files into this folder.")] = None,
    past: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="The backtest.json to quote. Default: the funnel's own, if any."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Fit anew, also where a fit of the same data is kept.")
    ] = False,
) -> None:
    """The probability that the funnel reaches its target, with what it rests on.

    Day, periods, targets, draws and seed that are not given are taken from the funnel file.
    """
    asked = _source(source, sample)
    files = outputs.chosen(out, {"json": json, "samples": samples, "deals": deals})
    with bars() as progress:
        progress("Reading the rows", 0, 0)
        config, tables = load(asked)
        outputs.spare_inputs(files, config)
        question = question_from(
            config,
            tables,
            as_of=as_of,
            period=period or None,
            target=target or None,
            draws=draws,
            seed=seed,
        )
        found = past or record.at_hand(config, sample)
        board = None if found is None else record.read(found)
        if past is not None and board is not None and not record.is_of(board, config):
            raise FunnelError(
                f"is the backtest of '{board['funnel']}'", file=past, remedy="Name the backtest.json of this funnel."
            )
        progress("Loading the model", 0, 0)
        from forecast.answer import ask  # imports PyMC, which takes seconds
        from forecast.kept import kept_for

        answer = ask(
            config, tables, question, progress=progress, threads=threads, deal_detail="deals" in files, past=board,
            fits=kept_for(config, fresh=fresh),
        )  # fmt: skip
    summary = outputs.finite(answer.summary)
    told = outputs.with_files(summary, {})
    try:
        outputs.write(files, summary, answer.samples, answer.deals)
        told = outputs.with_files(summary, files)
    finally:  # the answer is shown also where the disk is full
        terminal.show(told, console())


@app.command()
def backtest(
    source: Annotated[
        Path | None,
        typer.Argument(help="A funnel file (TOML), a folder with one, or a CSV or Parquet file."),
    ] = None,
    sample: Annotated[str | None, typer.Option(help="Ask the past of a sample: maven or b2b.")] = None,
    origins: Annotated[
        list[str] | None,
        typer.Option(metavar="DAYS", help="FIRST..LAST or one day; may be repeated. Default: all that can be scored."),
    ] = None,
    every: Annotated[str, typer.Option(metavar="STEP", help="week, month or quarter between origins.")] = "month",
    horizon: Annotated[
        str | None,
        typer.Option(help="quarter, month or year (its rest), or 28d, 4w, 3m. Default: as the funnel file asks."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Score its groups too (default: teams).")] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="How many futures are simulated for each.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same scores.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Questions asked at once, in processes.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Ask on this Dask cluster, e.g. tcp://10.0.0.1:8786.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results are kept. Default: backtest/ beside the funnel file."),
    ] = None,
) -> None:
    """Ask past days what is known by now, and score the answers beside what others would have said.

    An interrupted run goes on where it stopped. `funnel forecast` quotes the record that this leaves.
    """
    asked = _source(source, sample)
    with bars() as progress:
        progress("Reading the rows", 0, 0)
        config, tables = load(asked)
        length = horizon or usual_horizon([period for period, _ in config.periods()])
        past = windows(
            tables,
            origins=origins or (),
            every=every,
            horizon=length,
            fiscal_year_starts=config.funnel.fiscal_year_starts,
        )
        folder = out or record.folder_of(config, sample)
        progress("Loading the model", 0, 0)
        from forecast.backtest import Settings, backtest, grouping_of  # imports PyMC, which takes seconds
        from forecast.executors import executor
        from forecast.scoreboard import scoreboard

        settings = Settings(
            draws=config.forecast.draws if draws is None else draws,
            seed=config.forecast.seed if seed is None else seed,
            grouping=grouping_of(tables, by),
            horizon=length,
        )
        if cluster is not None and jobs > 1:
            raise FunnelError("--jobs and --cluster were both given", remedy="Give one of them.")
        with executor(jobs, cluster) as pool:
            cases = backtest(config, tables, past, settings, folder=folder, executor=pool, progress=progress)
        board = scoreboard(config, past, settings, cases)
    file = folder / record.FILE
    outputs.write_json(file, board)
    shown = console()
    terminal_backtest.show(outputs.finite(board), shown)
    shown.print(Text(f"\nFile: {file}"), soft_wrap=True)


def _source(source: Path | None, sample: str | None) -> Path:
    """The path that is meant by FILE_OR_CONFIG or by --sample."""
    known = sorted(path.parent.name for path in SAMPLES.glob("*/funnel.toml"))
    if source is not None and sample is not None:
        raise FunnelError("a file and --sample were both given", remedy="Give one of them.")
    if source is not None:
        return source
    if sample is None:
        remedy = f"Name a funnel file or a CSV file, or try a sample: --sample {known[0]}"
        raise FunnelError("there is nothing to forecast", remedy=remedy)
    if sample not in known:
        raise FunnelError(f"there is no sample '{sample}'", remedy=near(sample, known))
    return SAMPLES / sample / "funnel.toml"


def report(seen: setup.Understanding, shown: Console) -> None:
    """Print an Understanding."""
    name = f"{seen.name}: " if seen.name else ""
    times = "with times of day" if seen.timed else "dates only"
    shown.print(Text(f"{name}{seen.shape_told}, {times}", style="bold"))
    rows = seen.ledger
    shown.print(f"{rows.read:,} rows read = {rows.used:,} used + {rows.set_aside:,} set aside")
    value = f", {seen.won_value:,.0f} {seen.currency}".rstrip() if seen.won_deals else ""
    won = f"{seen.won_deals:,} won{value}"
    shown.print(f"Deals: {seen.deals:,}, of them {won}; {seen.lost_deals:,} lost; {seen.open_deals:,} open")
    recorded = f"{seen.first_recorded or 'the beginning'} to {seen.last_recorded}"
    shown.print(f"Events from {seen.first_event} to {seen.last_event}; exits recorded from {recorded}")
    if not seen.until_declared:
        shown.print("The last event ends the records; up to a week later nothing is taken to have happened since.")
    shown.print(Text(f"The model uses: {', '.join(seen.attributes) or 'no attributes'}"))
    shown.print()
    shown.print(_stages(seen))
    shown.print(_columns(seen))
    if seen.unused:
        shown.print(Text(f"Columns not used: {', '.join(seen.unused)}"), "", sep="\n")
    shown.print(_files(seen))
    if rows.entries:
        shown.print(_entries(seen))
    shown.print(_grades(seen))
    if seen.stale:
        shown.print(_stale(seen))


def _table(title: str, *columns: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def _add(table: Table, *cells: object) -> None:
    """A row of literal text: a cell of the data is never markup."""
    table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in cells))


def _stages(seen: setup.Understanding) -> Table:
    table = _table(
        "Stages", "stage", "deals that entered", "there now", "", numbers=("deals that entered", "there now")
    )
    for use in seen.stages:
        _add(
            table,
            use.stage,
            use.entered,
            use.now,
            "viable from here" if use.stage == seen.viable_from else "",
        )
    table.add_section()
    return _spaced(table)


def _columns(seen: setup.Understanding) -> Table:
    table = _table("Columns", "name", "column in the file", "known at", "because")
    for use in seen.columns:
        _add(table, use.name, use.column, use.known, use.how)
    return _spaced(table)


def _files(seen: setup.Understanding) -> Table:
    table = _table("Rows", "file", "read", "used", "set aside", numbers=("read", "used", "set aside"))
    for file in seen.ledger.files:
        _add(table, file.file, file.read, file.used, file.set_aside)
    return _spaced(table)


def _entries(seen: setup.Understanding) -> Table:
    table = _table("Found in the rows", "rows", "what", "for instance", "effect", numbers=("rows",))
    several = len(seen.ledger.files) > 1
    for entry in seen.ledger.entries:
        where = f"{entry.file}: " if several else ""
        what = f"{where}{entry.reason}{'' if entry.set_aside else ' (used)'}"
        _add(table, entry.count, what, "\n".join(entry.examples), entry.effect)
    return _spaced(table)


def _grades(seen: setup.Understanding) -> Table:
    table = _table("What these data can answer", "question", "", "because")
    for grade in seen.grades:
        _add(table, grade.question, grade.verdict.value, grade.because)
    return _spaced(table)


def _stale(seen: setup.Understanding) -> Table:
    columns = ("stage", "open longer than", "deals", "value", "for instance")
    title = "Stale deals: open for longer than 95 % of those that moved on had been"
    table = _table(title, *columns, numbers=columns[1:4])
    for one in seen.stale:
        about = "about " if one.estimated else ""
        value = f"{about}{one.value:,.0f} {seen.currency}".rstrip()
        _add(
            table,
            one.stage,
            f"{one.limit:,.{0 if one.limit >= 10 else 1}f} days",
            one.deals,
            value,
            "\n".join(one.examples),
        )
    return _spaced(table)


def _spaced(table: Table) -> Table:
    """Followed by an empty line."""
    table.caption = " "
    return table


if __name__ == "__main__":
    main()
