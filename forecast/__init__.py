"""Entonnoir: from the history of a sales funnel to the probability that it reaches its target."""
