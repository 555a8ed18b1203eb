"""Invented names of sellers, clients and segments; any likeness is an accident."""

from __future__ import annotations

SEGMENTS = ("Large", "Medium", "Small")

SELLERS = (
    "Ana Ferro", "Bram Oster", "Chloe Marin", "Dario Velt", "Esra Lund", "Femke Rowan", "Gil Ashby",
    "Hana Corvo", "Ivo Teller", "Jana Prior", "Karl Mondo", "Lea Winter", "Mats Orban", "Nora Sage",
    "Otto Vance", "Pia Kestrel",
)  # fmt: skip

_ROOTS = (
    "Arvane", "Belcor", "Cadrin", "Dorvale", "Elmira", "Fenwick", "Galdor", "Halvern", "Istrane", "Jorvik",
    "Kelmar", "Lindero", "Morvane", "Nostra", "Orvelle", "Pellan", "Quintero", "Ravenna", "Solvane", "Tervo",
)  # fmt: skip
_TRADES = ("Foods", "Logistics", "Energy", "Textiles", "Health", "Motors", "Paper", "Glass", "Water", "Steel")


def seller(i: int) -> str:
    """Return the name of the i-th seller."""
    again = i // len(SELLERS)
    return SELLERS[i % len(SELLERS)] + (f" {again + 1}" if again else "")


def client(i: int) -> str:
    """Return the name of the i-th client: 200 combinations, then numbered."""
    root, trade = _ROOTS[i % len(_ROOTS)], _TRADES[(i + i // len(_ROOTS)) % len(_TRADES)]
    again = i // (len(_ROOTS) * len(_TRADES))
    return f"{root} {trade}" + (f" {again + 1}" if again else "")


def parent(i: int) -> str:
    """Return the name of the i-th group of clients."""
    return f"{_ROOTS[-1 - i % len(_ROOTS)]} Group" + (f" {i // len(_ROOTS) + 1}" if i >= len(_ROOTS) else "")
