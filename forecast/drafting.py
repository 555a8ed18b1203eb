"""A funnel file drafted from what is found in the rows, from a template, or from both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from forecast.config import ROLES, Config, StagePrior
from forecast.errors import FunnelError
from forecast.sources import configured, inputs, load, shapes
from forecast.sources.columns import ALIASES, recognise, simplified
from forecast.sources.readers import Raw
from forecast.sources.tables import Known, usual_attributes
from forecast.templates import LANGUAGES, template


def draft(path: str | Path, pattern: str | None = None, language: str = "en", pipeline: str | None = None) -> str:
    """A commented funnel file for the rows at `path` (a file of rows, or a folder with tables), with what the
    template `pattern` assumes, where that is given.

    Where the rows cannot be loaded as they are, the draft says at its head what has to be mended. Raises
    FunnelError only where there is nothing to read.
    """
    config = configured(Path(path)).with_source(pipeline=pipeline)
    if config.path is not None and config.path.is_file() and config.path.suffix == ".toml":
        raise FunnelError(
            "there is a funnel file already", file=config.path, remedy="`funnel check` tells what it says."
        )
    tables_read = inputs.read_all(config)
    files = list(config.source.tables.values())
    raws = [tables_read[role] for role in ("stage_history", "deals") if role in tables_read]
    known: Mapping[str, Known] = {}
    attributes: tuple[str, ...] = ()
    first_end, last, trouble = None, None, ""
    try:
        config, tables = load(config)
        known, last = tables.known, tables.recorded_until.date() - timedelta(days=1)
        attributes = usual_attributes(tables.deals, tables.known)
        ends = tables.stage_history["stage"].isin([config.funnel.won, config.funnel.lost])
        first_end = tables.stage_history.loc[ends, "entered"].min().date() if ends.any() else None
    except FunnelError as error:
        trouble = str(error)
        config = config.with_source(shape=shapes.shape_of(config, tables_read).name)
    assumed = ""
    if pattern is not None:
        config, assumed = _assumed(config, pattern, language)
    parts = [_head(files, trouble), _funnel(config), _source(config, raws), _known(known), assumed]
    return "\n".join([part for part in [*parts, _rest(attributes, first_end, last)] if part])


def draft_of_template(pattern: str, language: str = "en") -> str:
    """A funnel file without rows: the stages of a template, and what it assumes of them."""
    chosen = template(pattern, language)
    funnel = {"name": chosen.name, "stages": chosen.stages, "won": chosen.won, "lost": chosen.lost}
    config = Config().with_funnel(**funnel, viable_from=chosen.viable_from)
    head = f"# Funnel file from the template '{pattern}'. {chosen.about}\n"
    source = '[source]\n# deals = "deals.csv"\n# stage_history = "stage_history.csv"\n'
    return "\n".join([head, _funnel(config), source, _priors(chosen.priors), _rest((), None, None)])


def _assumed(config: Config, pattern: str, language: str) -> tuple[Config, str]:
    """The template's order, viable stage and priors where its stages are those of the data, in any language; else
    its priors as a comment.
    """
    here = {simplified(name): name for name in config.funnel.stages}
    for spoken in (language, *LANGUAGES):
        chosen = template(pattern, spoken)
        if here and here.keys() <= {simplified(name) for name in chosen.stages}:
            spelled = {name: here[simplified(name)] for name in chosen.stages if simplified(name) in here}
            viable = spelled.get(chosen.viable_from)
            config = config.with_funnel(stages=tuple(spelled.values()), viable_from=viable)
            return config, _priors({spelled[name]: chosen.priors[name] for name in spelled})
    lines = [
        f"# The stages of the template '{pattern}' are {_list(template(pattern, language).stages)}.",
        "# Call yours so, in [source.replace.stage], or these as yours, to use what it assumes:",
        *(f"# {line}".rstrip() for line in _priors(template(pattern, language).priors).splitlines()),
    ]
    return config, "\n".join([*lines, ""])


def _priors(priors: Mapping[str, StagePrior]) -> str:
    lines = [
        "# Assumptions, to be replaced by what you know: ranges that hold in 19 of 20 cases. The more deals there are,",
        "# the less they matter. How many deals are created in a month, on average, and what one won deal brings:",
        "[priors]",
        "# new_deals = [5, 20]",
        "# amount = [2000, 40000]",
        "",
        "# The share of deals in a stage that go on from it, rather than being lost or sent back, and the days after",
        "# which half of those that go on have done so, in funnels like yours.",
        "[priors.stages]",
    ]
    for stage, prior in priors.items():
        ranges = [f"{name} = [{low:g}, {high:g}]" for name, (low, high) in prior]
        lines.append(f"{_key(stage)} = {{ {', '.join(ranges)} }}")
    return "\n".join([*lines, ""])


def _head(files: Iterable[str], trouble: str) -> str:
    lines = [f"# Funnel file drafted from {' and '.join(files)}: correct it, then run `funnel check` on it."]
    if trouble:
        lines += [
            "#",
            "# To be mended before a forecast is possible:",
            *(f"#   {line}" for line in trouble.splitlines()),
        ]
    return "\n".join([*lines, ""])


def _text(value: object) -> str:
    """A TOML string. JSON's escapes are TOML's as well."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(_text(item) for item in items) + "]"


def _key(key: str) -> str:
    bare = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    return key if key and set(key) <= bare else _text(key)


def _pairs(pairs: Mapping[str, str]) -> list[str]:
    return [f"{_key(key)} = {_text(value)}" for key, value in pairs.items()]


def _funnel(config: Config) -> str:
    funnel = config.funnel
    stages = f"stages = {_list(funnel.stages)}" if funnel.stages else '# stages = ["First", "Second"]'
    viable = f"# viable_from = {_text(funnel.stages[-1] if funnel.stages else 'Second')}"
    if funnel.viable_from is not None:
        viable = f"viable_from = {_text(funnel.viable_from)}"
    lines = [
        "[funnel]",
        f"name = {_text(funnel.name or 'My funnel')}",
        f"currency = {_text(funnel.currency)}" if funnel.currency else '# currency = "EUR"',
        "# Open stages in the order of the funnel; won and lost are not among them.",
        stages,
        f"won = {_text(funnel.won)}",
        f"lost = {_text(funnel.lost)}",
        "# From which stage on has the client committed to invest?",
        viable,
        "# fiscal_year_starts = 1  # month; a fiscal year is named after the calendar year in which it ends",
    ]
    return "\n".join([*lines, ""])


def _source(config: Config, raws: list[Raw]) -> str:
    source = config.source
    lines = [
        "[source]",
        f"shape = {_text(source.shape)}  # {shapes.BY_NAME[source.shape].told}" if source.shape else "",
    ]
    lines += [f"{key} = {_text(getattr(source, key))}" for key in (*ROLES, "pipeline") if getattr(source, key)]
    lines += ["# day_first = true  # is 3/4/2017 the third of April?", '# decimal = ","']
    lines += ['# timezone = "Europe/Paris"  # in which days begin', ""]
    found: dict[str, str] = {}
    unused: list[str] = []
    for raw in raws:
        here = recognise(raw.frame.columns, {}, raw.file)
        found.update({name: column for name, column in here.items() if name not in found})
        taken = {*here.values(), *source.stage_dates.values()}
        unused += [column for column in raw.frame.columns if column not in taken and column not in unused]
    if source.shape in shapes.ONE_PER_DEAL and source.outcome is not None:
        found = {name: column for name, column in found.items() if name not in ("stage", "closed", "entered")}
    lines += ["# What the columns are called in the file.", "[source.columns]", *_pairs(found)]
    lines += [f"# not there, or not recognised: {', '.join(n for n in ALIASES if n not in found)}"]
    lines += [f"# not used: {_list(unused)}", ""] if unused else [""]
    if source.stage_dates:
        lines += ["# The column with the date at which each stage was entered.", "[source.stage_dates]"]
        lines += [*_pairs(source.stage_dates), ""]
    if source.outcome is not None:
        lines += ["# The column that says won or lost, and the column with the day.", "[source.outcome]"]
        lines += [*_pairs({"column": source.outcome.column, "date": source.outcome.date}), ""]
    for column, change in source.replace.items():
        lines += [f"[source.replace.{_text(column)}]", *_pairs(change), ""]
    lines += ["# Columns of other files:", "# [[source.join]]", '# file = "teams.csv"', '# on = "owner"']
    return "\n".join([*lines, '# columns = { team = "manager" }', ""])


def _known(known: Mapping[str, Known]) -> str:
    lines = ["# When is a column known: at creation (the default), change, close, or overwritten? What comes late"]
    lines += [
        "# is hidden from the past; a column that is filled in at closing gives the outcome away.",
        "[known]",
    ]
    late = {name: moment.value for name, moment in known.items() if moment is not Known.CREATION}
    lines += [f"{line}  # guessed" for line in _pairs(late)]
    others = {name: Known.CREATION.value for name, moment in known.items() if name not in late}
    return "\n".join([*lines, *(f"# {line}" for line in _pairs(others)), ""])


def _rest(attributes: tuple[str, ...], first_end: date | None, last: date | None) -> str:
    origin = "2018-01-01" if last is None else str(last + timedelta(days=1))
    lines = ["# First and last day on which changes were recorded.", "[recording]"]
    lines += [f"# from = {first_end or '2017-01-01'}  # the day of the first deal won or lost, say"]
    lines += [f"until = {last}" if last is not None else "# until = 2017-12-31", ""]
    chosen = f"attributes = {_list(attributes)}" if attributes else '# attributes = ["owner", "region"]'
    lines += ["# What conversion and lead time may depend on.", "[model]", chosen, ""]
    lines += ["# The day on which the question is asked, and the periods asked about.", "[forecast]"]
    lines += [f"# origin = {origin}", "# draws = 2000", "# seed = 1", "", "# [[forecast.periods]]"]
    return "\n".join([*lines, f'# period = "{origin[:4]}Q1"', "# target = 1000000", ""])
