"""Live sliders over the assumptions, for notebooks: every move simulates the funnel anew on the same random numbers.

It holds widgets and reads them; what is simulated and told comes from exploring.py.
"""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from forecast.answer import Answer
from forecast.config import Config
from forecast.config_asked import Joining, ScenarioSection
from forecast.errors import FunnelError
from forecast.exploring import Explored, difference, explore, judged, save
from forecast.language import say, speaking, spoken
from forecast.plots.explored import explored
from forecast.scenarios import BASE
from forecast.sellers import sellers
from forecast.words import called, chance, error_told, money, plain, points, signed, with_unit

WIDE = widgets.Layout(width="98%", max_width="480px")
HALF = widgets.Layout(width="50%", max_width="490px")  # of a narrow page, too: the readouts of sliders stay in sight
POINTS, SHARES, NEW, AMOUNTS, PRICE = 25, 50, 100, 50, 30  # how far the sliders reach: points, and per cent
SELLERS = 10
ELASTICITY = 4.0  # at most: per cent of conversion lost by one per cent of price
EXPLORED = ""  # among the names of scenarios: what the sliders stand for
SHOWN = 4  # sellers in sight, of those who may leave


class Explorer:
    """`widget`: what is shown. `section()`: the scenario that the sliders stand for; `now`: how it was answered."""

    def __init__(self, answer: Answer, config: Config) -> None:
        self.answer, self.config, self.language = answer, config, spoken()
        self.kept: dict[str, ScenarioSection] = {BASE: ScenarioSection(), **config.scenarios}
        self._played: dict[str, Explored] = {}
        stages = [row["stage"] for row in answer.summary["stages"]]
        self.conversion = {stage: _slider(_of("conversion", stage), POINTS, 1, say("points")) for stage in stages}
        self.lead_time = {stage: _slider(_of("lead_time", stage), SHARES, 5, "%") for stage in stages}
        self.new_deals = _slider(say("New deals"), NEW, 5, "%")
        self.amount = _slider(say("Amounts"), AMOUNTS, 1, "%")
        self.price = _slider(say("Price"), PRICE, 1, "%")
        self.elasticity = widgets.FloatSlider(
            description=say("Elasticity"), min=-ELASTICITY, max=0, step=0.1, value=0, continuous_update=False,
            readout_format=".1f", layout=WIDE, style=NARROW,
        )  # fmt: skip
        periods = [(called(asked["period"]), n) for n, asked in enumerate(answer.summary["periods"])]
        self.period = _choice(say("Period"), periods, 0)
        self.target = widgets.BoundedFloatText(
            description=say("Target"), min=0.01, max=1e15, value=answer.summary["periods"][0]["target"], layout=WIDE,
            style=NARROW,
        )  # fmt: skip
        known = sorted(answer.fit.history.deals["client"].dropna().astype(str).unique())
        self.lost = _choice(say("Lose a client"), [(say("none"), ""), *((plain(one, 40), one) for one in known)], "")
        whole = [month for month in answer.months if ".." not in month]
        self.sellers = widgets.IntSlider(
            description=say("Sellers who join"), max=SELLERS, continuous_update=False, layout=WIDE, style=NARROW
        )
        active = _active(answer, config)
        self.sellers.disabled = not active or not whole
        self._joins = whole[0] if whole else ""
        self.leave = widgets.SelectMultiple(
            description=say("Sellers who leave"), options=[(plain(one, 40), one) for one in active], rows=SHOWN,
            disabled=not active, layout=WIDE, style=NARROW,
        )  # fmt: skip
        self.first = _choice(say("Show"), self._names(EXPLORED), EXPLORED)
        self.beside = _choice(say("Compare with"), self._names(), BASE)
        self.name = widgets.Text(
            description=say("Name"), placeholder=say("of a scenario to keep"), layout=WIDE, style=NARROW
        )
        self.reset_button, self.save_button = (widgets.Button(description=one) for one in (say("Reset"), say("Save")))
        self.told, self.said, self.shown = widgets.HTML(), widgets.HTML(), widgets.Output()
        self.now = self._answered(ScenarioSection())
        self.widget = self._laid_out()
        for one in self._levers():
            one.observe(self._moved, "value")
        for one in (self.target, self.first, self.beside):
            one.observe(self._told_anew, "value")
        self.period.observe(self._other_period, "value")
        self.reset_button.on_click(lambda _: self.reset())
        self.save_button.on_click(lambda _: self.save())
        self._tell()

    def section(self) -> ScenarioSection:
        """The scenario that the sliders stand for."""
        join = () if not self.sellers.value else (Joining(month=self._joins, sellers=self.sellers.value),)
        return ScenarioSection(
            conversion={stage: one.value / 100 for stage, one in self.conversion.items() if one.value},
            lead_time={stage: one.value / 100 for stage, one in self.lead_time.items() if one.value},
            new_deals=self.new_deals.value / 100,
            amount=self.amount.value / 100,
            price=self.price.value / 100,
            elasticity=self.elasticity.value if self.price.value else 0.0,
            lost_clients=(self.lost.value,) if self.lost.value else (),
            leave=tuple(self.leave.value),
            join=join,
        )

    def reset(self) -> None:
        """Everything as it is."""
        with self._quietly():
            for one in self._levers():
                one.value = {self.lost: "", self.leave: ()}.get(one, 0)
            self.target.value = self.answer.summary["periods"][self.period.value]["target"]
        self._moved()

    def save(self) -> None:
        """Keep the scenario to compare with, and in the funnel file."""
        with speaking(self.language):
            self._save(self.name.value.strip())

    def _save(self, name: str) -> None:
        try:
            if name in self.kept:
                raise FunnelError(f"there is a scenario '{name}' already", remedy=say("Choose another name."))
            path = save(self.config, name, self.section())
            self.said.value = escape(say("Kept in {path}.", path=path))
        except FunnelError as error:
            self.said.value = escape(str(error))
            if not name or name in self.kept:
                return
        self.kept[name] = self.section()
        self._played[name] = self.now
        with self._quietly():
            first, beside = self.first.value, self.beside.value
            self.first.options, self.beside.options = self._names(EXPLORED), self._names()
            self.first.value, self.beside.value = first, beside

    # -------------------------------------------------------------- inside

    def _levers(self) -> list[Any]:
        return [
            *self.conversion.values(), *self.lead_time.values(), self.new_deals, self.amount, self.price,
            self.elasticity, self.lost, self.sellers, self.leave,
        ]  # fmt: skip

    def _names(self, *before: str) -> list[tuple[str, str]]:
        return [(self._called(name), name) for name in (*before, *self.kept)]

    def _called(self, name: str) -> str:
        own = {BASE: say("as it is"), EXPLORED: say("as explored")}
        return own.get(name) or plain(name, 40)

    def _quietly(self) -> _Silence:
        return _Silence(self)

    quiet = False

    def _other_period(self, _: Any) -> None:
        with self._quietly():
            self.target.value = self.answer.summary["periods"][self.period.value]["target"]
        self._told_anew()

    def _moved(self, _: Any = None) -> None:
        """A lever: what is explored is shown again, where something kept was."""
        if not self.quiet:
            with self._quietly():
                self.first.value = EXPLORED
            self._told_anew()

    def _told_anew(self, _: Any = None) -> None:
        """Widgets call this from outside of the block that set the language."""
        if not self.quiet:
            with speaking(self.language):
                self._play()

    def _play(self) -> None:
        try:
            self.now = self._answered(self.section())
            self.said.value = ""
            self._tell()
        except FunnelError as error:
            self.said.value = escape(str(error))

    def _answered(self, section: ScenarioSection) -> Explored:
        """What the sliders stand for; only the target is held anew where nothing else has moved."""
        before = getattr(self, "now", None)
        if before is not None and before.section == section:
            return judged(self.answer, section, before.by_month, period=self.period.value, target=self.target.value)
        return explore(self.answer, self.config, section, period=self.period.value, target=self.target.value)

    def _named(self, name: str) -> Explored:
        """A scenario by its name, by the same period and target as what is explored."""
        if name == EXPLORED:
            return self.now
        where = {"period": self.period.value, "target": self.target.value}
        if name not in self._played:
            self._played[name] = explore(self.answer, self.config, self.kept[name], **where)
        return judged(self.answer, self.kept[name], self._played[name].by_month, **where)

    def _tell(self) -> None:
        names = [self._called(one.value) for one in (self.first, self.beside)]
        now, then = (self._named(one.value) for one in (self.first, self.beside))
        rows = zip(names, (now, then), strict=True)
        cells = "".join(
            f"<tr><td style='padding-right:2em'>{escape(name)}</td>{_cells(one)}</tr>" for name, one in rows
        )
        heads = "".join(
            f"<th style='text-align:right;padding-left:1em'>{one}</th>" for one in (say("chance"), "P10", "P50", "P90")
        )
        unit = self.answer.summary["currency"]
        change, middle = difference(now, then)
        off = error_told(change.se) if change.value else "0"
        moved = say(
            "{points} points (± {error}), P50 {amount}", points=points(change.value), error=off,
            amount=with_unit(signed(middle.value), unit),
        )  # fmt: skip
        told = chance(now.p_hit.p, now.p_hit.se)
        self.told.value = (
            f"<div class='explorer-chance' style='font-size:22px'><b>{escape(told)}</b></div>"
            f"<div>{escape(moved)}</div><table><tr><th></th>{heads}</tr>{cells}</table>"
        )
        with self.shown:
            self.shown.clear_output(wait=True)
            display(explored(now, then, names, unit))  # type: ignore[no-untyped-call]

    def _laid_out(self) -> Any:
        left = [*self.conversion.values(), self.new_deals, self.price, self.sellers, self.lost]
        right = [*self.lead_time.values(), self.amount, self.elasticity, self.leave]
        return widgets.VBox(
            [
                _beside([self.period], [self.target]),
                _beside(left, right),
                widgets.HBox([self.name, self.save_button, self.reset_button]),
                _beside([self.first], [self.beside]),
                self.said,
                self.told,
                self.shown,
            ]
        )


class _Silence:
    """Several widgets are set, and the answer is told once, after them."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer

    def __enter__(self) -> None:
        self.explorer.quiet = True

    def __exit__(self, *_: object) -> None:
        self.explorer.quiet = False


NARROW = {"description_width": "190px"}


def _slider(name: str, reach: int, step: int, unit: str) -> Any:
    return widgets.IntSlider(
        description=name, min=-reach, max=reach, step=step, continuous_update=False, layout=WIDE, style=NARROW,
        readout_format="+d", tooltip=f"{name}, {unit}",
    )  # fmt: skip


def _beside(*columns: list[Any]) -> Any:
    return widgets.HBox([widgets.VBox(column, layout=HALF) for column in columns])


def _active(answer: Answer, config: Config) -> list[str]:
    """Sellers who may leave, and of whose average those who join are; none where the deals do not name them."""
    try:
        return sellers(answer.fit.history, config.model.seller)
    except FunnelError:
        return []


def _choice(name: str, options: Any, value: Any) -> Any:
    return widgets.Dropdown(description=name, options=options, value=value, layout=WIDE, style=NARROW)


def _of(kind: str, stage: str) -> str:
    short = plain(stage, 22)
    return say("{stage}: conversion", stage=short) if kind == "conversion" else say("{stage}: lead time", stage=short)


def _cells(one: Explored) -> str:
    told = [chance(one.p_hit.p, one.p_hit.se), *(money(value) for value in one.quantiles)]
    return "".join(f"<td style='text-align:right;padding-left:1em'>{escape(cell)}</td>" for cell in told)
