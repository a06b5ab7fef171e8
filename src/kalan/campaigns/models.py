"""Campaigns, their participants, results from outside."""
