from forecast.errors import FunnelError, near


def test_text_says_where_what_how_many_and_what_to_do() -> None:
    error = FunnelError(
        "not dates",
        file="a.csv",
        column="day",
        count=1200,
        examples=["x", "y", "z", "more"],
        remedy="Write dates.",
    )
    assert str(error).splitlines() == [
        "a.csv, column 'day': not dates",
        "1,200 rows, for instance x; y; z.",
        "Write dates.",
    ]


def test_message_alone() -> None:
    assert str(FunnelError("no")) == "no"


def test_examples_stay_on_one_line() -> None:
    assert len(FunnelError("no", examples=["a\nb" * 100]).examples[0]) == 60


def test_near() -> None:
    assert near("stagess", ["stages", "won"]) == "Did you mean 'stages'?"
    assert near("zzz", ["stages", "won"]) == "Known: stages, won."
