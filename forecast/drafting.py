"""A funnel file drafted from what is found in the rows, from a template, or from both."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.config_asked import FollowUpSection, StagePrior
from forecast.config_data import ROLES
from forecast.errors import FunnelError
from forecast.setup import Understanding, understood
from forecast.sources import bare, inputs, load, shapes
from forecast.sources.columns import recognise
from forecast.sources.names import ALIASES, simplified
from forecast.sources.tables import Known, Tables, usual_attributes
from forecast.templates import LANGUAGES, Template, template

SEVERAL = ("salesforce_history", "hubspot_history", "field_history")  # shapes whose files name columns differently


@dataclass(frozen=True)
class Draft:
    """`text`: the funnel file. `seen`: what was understood of the rows; `trouble`: why they cannot be loaded as they
    are. Both are None where there are no rows.
    """

    text: str
    seen: Understanding | None = None
    trouble: FunnelError | None = None


def draft(
    path: str | Path,
    pattern: str | None = None,
    language: str = "en",
    pipeline: str | None = None,
    folder: Path | None = None,
) -> Draft:
    """A commented funnel file for the rows at `path` (a file of rows, or a folder with tables), with what the
    template `pattern` assumes, where that is given. `folder`: where the funnel file will be, if not beside the rows.

    Where the rows cannot be loaded as they are, the draft says at its head what has to be mended. A folder without
    tables gives the template alone. Raises FunnelError only where there is nothing to read.
    """
    path = Path(path)
    if pattern is not None and path.is_dir() and not {"deals", "stage_history"} & inputs.found_in(path).keys():
        return Draft(_of_template(template(pattern, language), pattern))
    if path.suffix == ".toml":
        raise FunnelError("this is a funnel file already", file=path, remedy="`funnel check` tells what it says.")
    config = bare(path).with_source(pipeline=pipeline)
    tables_read = inputs.read_all(config)
    read_from, given = config.folder, config
    tables, trouble = None, None
    try:
        config, tables = load(config)
    except FunnelError as error:
        trouble = error
        config = config.with_source(shape=shapes.shape_of(config, tables_read).name)
    columns = _columns(config, tables_read) if tables is None else _columns_read(config, tables, tables_read)
    seen = None if tables is None else understood(config, tables)
    assumed = ""
    if pattern is not None:
        config, assumed = _assumed(config, pattern, language)
    files = {role: _from(folder, read_from, name) for role, name in given.source.tables.items()}
    parts = [
        _head(files.values(), trouble),
        _funnel(config, () if tables is None else tables.stage_history["stage"].unique()),
        _source(config.with_source(**files), *columns),
        _known({} if tables is None else tables.known),
        assumed,
        _rest(config, tables),
    ]
    return Draft("\n".join([part for part in parts if part]), seen, trouble)


def _from(folder: Path | None, here: Path, name: str) -> str:
    """The file `name` in the folder `here`, as a funnel file in `folder` has to call it."""
    if folder is None or folder.resolve() == here.resolve():
        return name
    file = (here / name).resolve()
    try:
        return Path(os.path.relpath(file, folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return file.as_posix()


def _of_template(chosen: Template, pattern: str) -> str:
    """A funnel file without rows: the stages of a template, and what it assumes of them."""
    funnel = {"name": chosen.name, "stages": chosen.stages, "won": chosen.won, "lost": chosen.lost}
    config = Config().with_funnel(**funnel, viable_from=chosen.viable_from)
    head = f"# Funnel file from the template '{pattern}'. {chosen.about}\n"
    source = '[source]\n# deals = "deals.csv"\n# stage_history = "stage_history.csv"\n'
    ends = (chosen.won, chosen.lost)
    assumed = [_priors(chosen.priors), *_follow_ups(chosen.follow_ups)]
    return "\n".join([head, _funnel(config, ends), source, *assumed, _rest(config, None)])


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


def _follow_ups(section: FollowUpSection | None) -> list[str]:
    """The section, if any, of the deals that a won one brings about."""
    if section is None or section.per_win is None or section.after is None:
        return []
    low, high = section.after
    lines = [
        "# Each win brings about further deals of its client: how many, and 80 % of them after between so many days.",
        "# Without per_win and after, both are learnt; without [follow_ups], all new deals are taken to be unrelated.",
        "[follow_ups]",
        f"per_win = {section.per_win:g}",
        f"after = [{low:g}, {high:g}]",
        f"once = {str(section.once).lower()}",
        *([] if section.stage is None else [f"stage = {_text(section.stage)}"]),
        f"worth = {section.worth:g}",
    ]
    return ["\n".join([*lines, ""])]


def _head(files: Iterable[str], trouble: FunnelError | None) -> str:
    lines = [f"# Funnel file drafted from {' and '.join(files)}: correct it, then run `funnel check` on it."]
    if trouble is not None:
        lines += [
            "#",
            "# To be mended before a forecast is possible:",
            *(f"#   {line}" for line in str(trouble).splitlines()),
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


def _funnel(config: Config, there: Iterable[str]) -> str:
    """What is named here is no longer guessed: won and lost only where they are among the stages `there`."""
    funnel, ends = config.funnel, set(there)
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
        *(
            f"{key} = {_text(name)}" if name in ends else f"# {key} = {_text(name)}  # not found so far"
            for key, name in (("won", funnel.won), ("lost", funnel.lost))
        ),
        "# From which stage on has the client committed to invest?",
        viable,
        "# fiscal_year_starts = 1  # month; a fiscal year is named after the calendar year in which it ends",
    ]
    return "\n".join([*lines, ""])


def _columns_read(config: Config, tables: Tables, read: inputs.Inputs) -> tuple[dict[str, str], list[str]]:
    """(canonical name -> column, columns not used), as the rows were read."""
    there = {column for role in ("stage_history", "deals") if role in read for column in read[role].frame.columns}
    found = {name: column for name, column in tables.columns.items() if name in ALIASES and column in there}
    return found, list(tables.unused)


def _columns(config: Config, read: inputs.Inputs) -> tuple[dict[str, str], list[str]]:
    """The same, by the names of the columns alone."""
    found: dict[str, str] = {}
    unused: list[str] = []
    for raw in (read[role] for role in ("stage_history", "deals") if role in read):
        here = recognise(raw.frame.columns, {}, raw.file)
        found.update({name: column for name, column in here.items() if name not in found})
        taken = {*here.values(), *config.source.stage_dates.values()}
        unused += [column for column in raw.frame.columns if column not in taken and column not in unused]
    return found, unused


def _source(config: Config, found: dict[str, str], unused: list[str]) -> str:
    source = config.source
    lines = [
        "[source]",
        f"shape = {_text(source.shape)}  # {shapes.BY_NAME[source.shape].told}" if source.shape else "",
    ]
    lines += [f"{key} = {_text(getattr(source, key))}" for key in (*ROLES, "pipeline") if getattr(source, key)]
    lines += ["# day_first = true  # is 3/4/2017 the third of April?", '# decimal = ","']
    lines += ['# timezone = "Europe/Paris"  # in which days begin', ""]
    if source.shape in shapes.ONE_PER_DEAL and source.outcome is not None:
        found = {name: column for name, column in found.items() if name not in ("stage", "closed", "entered")}
    several = source.shape in SEVERAL or {"deals", "stage_history"} <= source.tables.keys()
    lines += ["# What the columns are called in the file.", "[source.columns]"]
    if several:  # a name would hold in both files, though a column may be another thing in the other one
        lines += ["# These are recognised; what is named here holds in both files."]
    lines += [f"# {pair}" if several else pair for pair in _pairs(found)]
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
    final = [name for name, moment in known.items() if moment in (Known.CLOSE, Known.WIN)]
    pairs = {name: _pairs({name: moment.value})[0] for name, moment in known.items()}
    lines += [f"{pairs[name]}  # guessed" for name in final]
    lines += [f"# {pair}" for name, pair in pairs.items() if name not in final]
    return "\n".join([*lines, ""])


def _rest(config: Config, tables: Tables | None) -> str:
    first_end, last = None, None
    attributes: tuple[str, ...] = ()
    if tables is not None:
        last = tables.recorded_until.date() - timedelta(days=1)
        attributes = usual_attributes(tables.deals, tables.known)
        ends = tables.stage_history["stage"].isin([config.funnel.won, config.funnel.lost])
        first_end = tables.stage_history.loc[ends, "entered"].min().date() if ends.any() else None
    origin = date(2018, 1, 1) if last is None else last + timedelta(days=1)
    lines = ["# First and last day on which changes were recorded.", "[recording]"]
    lines += [f"# from = {first_end or '2017-01-01'}  # the day of the first deal won or lost, say"]
    lines += [f"# until = {last or '2017-12-31'}  # the day of the last change; a later one if none came since", ""]
    chosen = f"attributes = {_list(attributes)}" if attributes else '# attributes = ["owner", "region"]'
    lines += ["# What conversion and lead time may depend on.", "[model]", chosen, ""]
    lines += ["# The day on which the question is asked, and the periods asked about.", "[forecast]"]
    lines += [f"# origin = {origin}", "# draws = 2000", "# seed = 1", "", "# [[forecast.periods]]"]
    quarter = f"{origin.year}Q{(origin.month + 2) // 3}"
    return "\n".join([*lines, f'# period = "{quarter}"', "# target = 1000000", ""])
