"""Answers and banks from CSV files: comma, semicolon or tab; UTF-8, with or without a BOM."""

from kalan.engine.psychometrics.csvfiles.answers import Answers, iter_answers, read_answers
from kalan.engine.psychometrics.csvfiles.banks import read_bank

__all__ = ["Answers", "iter_answers", "read_answers", "read_bank"]
