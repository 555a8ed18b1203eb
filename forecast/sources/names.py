"""What columns, and the ends of a funnel, are usually called, in English, French, German and Spanish: one table.

Names are written as `unaccented` gives them: words in lower case, without accents and punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

# Canonical name -> names it goes by, the most telling first.
_NAMES = {
    "deal_id": "deal id, opportunity id, dealid, lead id, case concept name, case id, object id, deal, opportunity, "
    "record id, id, id affaire, id opportunite, numero d affaire, n d affaire, n affaire, no affaire, "
    "identifiant, affaire, opportunite, vorgangsnummer, vorgang, auftragsnummer, verkaufschance, "
    "id oportunidad, id negocio, oportunidad, negocio",
    "client": "client, account, account name, client name, customer, customer name, company, company name, "
    "associated company, associated company primary, primary associated company, associated company name, "
    "client id, account id, customer id, company id, associated company ids, associated company id, "
    "nom du client, compte, nom du compte, societe, entreprise, raison sociale, "
    "kunde, kundenname, firma, unternehmen, cliente, nombre del cliente, empresa, cuenta",
    "parent_client": "parent client, parent account, parent company, parent, subsidiary of, "
    "client parent, societe mere, groupe, mutterkonzern, konzern, empresa matriz",
    "owner": "owner, sales agent, deal owner, opportunity owner, owner name, seller, rep, sales rep, "
    "salesperson, owner id, hubspot owner id, "
    "commercial, commerciale, vendeur, responsable, proprietaire, proprietaire de l opportunite, charge d affaires, "
    "verkaufer, vertriebler, vertriebsmitarbeiter, inhaber, zustandig, vendedor, comercial, propietario",
    "team": "team, sales team, manager, sales manager, equipe, equipe commerciale, vertriebsteam, equipo",
    "region": "region, regional office, territory, country, pays, territoire, gebiet, land, pais, territorio",
    "product": "product, product name, product line, produit, gamme, produkt, producto",
    "segment": "segment, sector, industry, market, secteur, secteur d activite, marche, branche, industria, mercado",
    "source": "source, lead source, channel, origin, "
    "origine, canal, source de la piste, origine de la piste, quelle, herkunft, leadquelle, origen, fuente",
    "amount": "amount, value, close value, deal value, deal amount, amount requested, amount req, "
    "case amount req, case amount, revenue, price, "
    "montant, montant ht, montant eur, valeur, prix, chiffre d affaires, "
    "betrag, wert, auftragswert, umsatz, preis, importe, valor, monto, precio",
    "currency": "currency, currency code, currency iso code, deal currency, devise, wahrung, moneda, divisa",
    "created": "created, created date, create date, created at, createdate, creation date, date created, "
    "created on, engage date, opened, open date, opened at, "
    "reg date, case reg date, start date, "
    "date de creation, cree le, creee le, date creation, date d ouverture, ouvert le, date de debut, "
    "erstellt, erstellt am, erstelldatum, erstellungsdatum, angelegt am, anlagedatum, eroffnet am, "
    "fecha de creacion, fecha creacion, creado, creado el, fecha de apertura, fecha de inicio",
    "closed": "closed, close date, closed date, closed at, closedate, date closed, closed on, end date, "
    "date de cloture, date cloture, cloture le, date de fermeture, ferme le, date de fin, "
    "abgeschlossen am, abschlussdatum, schlussdatum, geschlossen am, "
    "fecha de cierre, fecha cierre, cerrado el, fecha de fin",
    "expected_close": "expected close, expected close date, forecast close date, target date, "
    "date de cloture prevue, cloture prevue, date de signature prevue, "
    "erwarteter abschluss, voraussichtlicher abschluss, voraussichtliches abschlussdatum, "
    "fecha de cierre prevista, cierre previsto, fecha prevista de cierre",
    "probability": "probability, probability percent, win probability, close probability, deal probability, "
    "deal stage probability, probabilite, wahrscheinlichkeit, probabilidad",
    "forecast_category": "forecast category, forecast category name, manual forecast category, "
    "categorie de prevision, prognosekategorie, categoria de pronostico",
    "stage": "stage, deal stage, stage name, dealstage, sales stage, pipeline stage, deal pipeline stage id, "
    "stage id, concept name, outcome, status, activity, state, "
    "etape, nom de l etape, phase, statut, etat, resultat, "
    "verkaufsphase, stufe, stadium, ergebnis, etapa, fase, estado, resultado",
    "entered": "entered, entered at, entered on, date entered, timestamp, time timestamp, time stamp, changed at, "
    "change date, stage date, event time, event date, time, date, "
    "date d entree, entre le, entree le, date de passage, date de changement, date etape, horodatage, "
    "eingetreten am, eintrittsdatum, geandert am, datum, zeitstempel, "
    "fecha de entrada, fecha de cambio, fecha",
    "pipeline": "pipeline, pipeline id, deal pipeline, deal pipeline id, pipeline name",
    "merged_ids": "merged object ids, merged deal ids, merged ids",
    "is_deleted": "is deleted, deleted, archived, fivetran deleted",
    "is_won": "is won, is closed won, closed won flag",
    "is_closed": "is closed",
}
ALIASES: Mapping[str, tuple[str, ...]] = {name: tuple(words.split(", ")) for name, words in _NAMES.items()}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WON = _words("won win closedwon sold gagne gagnee conclu conclue gewonnen ganado ganada vinto vinta ganho ganha")
LOST = _words("lost loss closedlost disqualified dead abandoned perdu perdue abandonne abandonnee verloren")
LOST |= _words("perdido perdida perso persa")
CLOSED = _words("closed close ferme fermee cloture cloturee clos geschlossen abgeschlossen cerrado cerrada")
CLOSED |= _words("chiuso chiusa fechado fechada")
# Words beside them that change nothing: "Deal won", "Affaire gagnée".
BESIDE = CLOSED | _words("is deal deals opportunity sale signed affaire opportunite vente auftrag verkaufschance")
BESIDE |= _words("negocio venta oportunidad the and et und y")
NOT = _words("not non pas nicht no never jamais nie back reopened")


def simplified(name: str) -> str:
    """Lower case words: 'OpportunityId', 'opportunity_id' and 'Opportunity ID' are all 'opportunity id'."""
    words = re.sub(r"__c$", "", name.strip())
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
    return " ".join(re.sub(r"[^\w]+|_", " ", words).casefold().split())


def unaccented(name: str) -> str:
    """`simplified`, and without accents: 'Date de Création' is 'date de creation'."""
    words = simplified(name)
    if words.isascii():
        return words
    return "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))


def end_meant(stage: str) -> str | None:
    """'won' or 'lost' where that is what a stage's name usually means, else None.

    'Closed-WON', '6 - Gagnée' and 'Closed Lost: price' are ends; 'Won back', 'not won' and 'Lost contact' are not.
    """
    words = {word for word in unaccented(stage).split() if not word.isdigit()}
    won, lost = words & WON, words & LOST
    if bool(won) == bool(lost) or words & NOT:
        return None
    if words - won - lost - BESIDE and not words & CLOSED:
        return None
    return "won" if won else "lost"
