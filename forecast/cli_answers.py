"""The commands that show parts of the answer in full: clients and deals."""

from __future__ import annotations

import typer

from forecast import options, sheets, terminal_answers
from forecast.commands import told


def add_to(app: typer.Typer) -> None:
    app.command()(options.spread(clients))
    app.command()(options.spread(deals))


def clients(asked: options.Asking, out: options.Csv = None) -> None:
    """On which clients the target depends: what each brings, and the chance without it."""
    told(asked, terminal_answers.show_clients, out=out, table=sheets.clients)


def deals(asked: options.Asking, out: options.Csv = None) -> None:
    """Which deals to look at: those that are overdue, and those whose fate moves the chance most."""
    told(asked, terminal_answers.show_deals, out=out, table=terminal_answers.deal_table)
