"""The commands that show parts of the answer in full: clients, deals and rates."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from forecast import options, sheets, terminal_answers, terminal_rates
from forecast.commands import told
from forecast.config import Config
from forecast.sources.tables import named_attributes, usual_attributes


def add_to(app: typer.Typer) -> None:
    for command in (clients, deals, rates):
        app.command()(options.spread(command))


def clients(asked: options.Asking, out: options.Csv = None) -> None:
    """On which clients the target depends: what each brings, and the chance without it."""
    told(asked, terminal_answers.show_clients, out=out, table=sheets.clients)


def deals(asked: options.Asking, out: options.Csv = None) -> None:
    """Which deals to look at: those that are overdue, and those whose fate moves the chance most."""
    told(asked, terminal_answers.show_deals, out=out, table=terminal_answers.deal_table)


def rates(
    asked: options.Asking,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Of the deals, known at creation; may be repeated. Default: the usual ones."
        ),
    ] = None,
    out: options.Csv = None,
) -> None:
    """Success rates, lead times and value of a new deal by seller, team, region, segment, source: where effort pays."""

    def more(config: Config, answer: Any, progress: Any) -> dict[str, Any]:
        from forecast.success import success  # imports PyMC, which takes seconds

        history = answer.fit.history
        columns = (
            named_attributes(by, history.deals, history.known, "--by")
            if by
            else usual_attributes(history.deals, history.known)
        )
        given = (answer.fit, answer.scenario, columns, answer.minor)
        found = success(*given, seed=answer.question.seed, threads=asked.threads, progress=progress)
        return {"success": found}

    told(asked, terminal_rates.show, out=out, table=terminal_rates.table, more=more)
