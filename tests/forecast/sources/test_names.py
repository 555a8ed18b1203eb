from itertools import chain
from pathlib import Path

import pytest

from forecast.sources import load
from forecast.sources.columns import recognise, stage_of_column
from forecast.sources.names import ALIASES, end_meant, simplified, unaccented


@pytest.mark.parametrize("name", ["Won", "WON", " won ", "Closed-Won", "6 - Closed Won", "ClosedWon", "Deal won"])
@pytest.mark.parametrize("other", ["Gagné", "Affaire gagnée", "Fermé/Gagné", "Gewonnen", "Ganada", "Cerrado ganado"])
def test_words_that_mean_won(name: str, other: str) -> None:
    assert end_meant(name) == end_meant(other) == "won"


@pytest.mark.parametrize(
    "name",
    [
        "LOST",
        "closed lost",
        "Closed Lost: price",
        "Dead",
        "Perdu",
        "Fermée - perdue",
        "Verloren",
        "Perdida",
        "Abandonné",
    ],
)
def test_words_that_mean_lost(name: str) -> None:
    assert end_meant(name) == "lost"


@pytest.mark.parametrize(
    "name",
    [
        "Won back",
        "not won",
        "Lost contact",
        "Wonderland",
        "Won or lost",
        "Closing",
        "Closed",
        "Abandoned cart",
        "Pas perdu",
        "Gagnant",
        "Offen",
        "12",
        "",
        "Dead line",
        "Winter sale",
    ],
)
def test_words_that_only_look_like_ends(name: str) -> None:
    assert end_meant(name) is None


def test_the_table_is_written_as_it_is_compared() -> None:
    for words in chain.from_iterable(ALIASES.values()):
        assert unaccented(words) == words
    several = list(chain.from_iterable(ALIASES.values()))
    assert len(several) == len(set(several))  # no name means two things


@pytest.mark.parametrize(
    "header",
    [
        "N° d'affaire,Client,Montant,Date de création,Étape,Date de clôture,Commercial,Région,Produit,Équipe,Secteur",
        "Identifiant,Société,Montant HT,Créée le,Statut,Clôturé le,Propriétaire,Pays,Gamme,Équipe commerciale,Marché",
        "Vorgang,Kunde,Auftragswert,Erstellt am,Phase,Abschlussdatum,Verkäufer,Gebiet,Produkt,Vertriebsteam,Branche",
        "ID oportunidad,Cliente,Importe,Fecha de creación,Etapa,Fecha de cierre,Vendedor,País,Producto,Equipo,Mercado",
    ],
)
def test_headers_in_other_languages(header: str) -> None:
    found = recognise(header.split(","), {}, "a.csv")
    names = [
        "deal_id",
        "client",
        "amount",
        "created",
        "stage",
        "closed",
        "owner",
        "region",
        "product",
        "team",
        "segment",
    ]
    assert [found.get(name) for name in names] == header.split(",")


@pytest.mark.parametrize(
    ("column", "stage"),
    [
        ("Date d'entrée en Qualification", "Qualification"),
        ("Date de passage en Négociation", "Négociation"),
        ("date_signature", "Signature"),
        ("Fecha de Oferta", "Oferta"),
        ("Angebot Datum", "Angebot"),
        ("Date de naissance", None),
        ("Date de dernière modification", None),
        ("Date de clôture prévue", None),
        ("Date de création", None),
        ("Échéance", None),
    ],
)
def test_dates_of_stages_in_other_languages(column: str, stage: str | None) -> None:
    assert stage_of_column(column) == stage


def test_accents_matter_to_names_of_stages_only() -> None:
    assert simplified("Étape") == "étape"
    assert unaccented("Étape de l’Opportunité") == "etape de l opportunite"


def test_a_french_export_reads_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "affaires.csv"
    rows = "".join(
        f"{n};Société {n};{n},50 €;{n % 28 + 1:02d}/03/2025;{stage};{'20/04/2025' * (stage != 'En cours')};Anne\n"
        for n, stage in enumerate(["Gagnée", "Perdue", "En cours"] * 10)
    )
    path.write_text("N° affaire;Client;Montant;Date de création;Statut;Date de clôture;Commercial\n" + rows, "cp1252")
    config, tables = load(path)
    assert config.funnel.states == ("En cours", "Gagnée", "Perdue")
    assert (len(tables.deals), tables.ledger.set_aside) == (30, 0)
    assert {"client", "owner", "amount"} <= tables.columns.keys()
    assert str(tables.deals["created"].max().date()) == "2025-03-28"
