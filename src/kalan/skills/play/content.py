"""The door of this folder for whoever stores a question: what it is made of, where it comes from.

Answering is in ``given`` (read, describe), ``grade`` (grade, top, ideal) and ``show`` (question,
review).
"""

from __future__ import annotations

from kalan.engine.formats.question import BrokenQuestionError
from kalan.skills.play.faults import problems
from kalan.skills.play.markup import by_digest, decoded
from kalan.skills.play.neutral import from_question, to_question
from kalan.skills.play.own import from_own, to_own
from kalan.skills.play.shape import (
    KINDS,
    Content,
    Key,
    Kind,
    Picture,
    Problem,
    Stored,
    UnsupportedQuestionError,
)
from kalan.skills.play.words import ALIKE, nearest, similar, words

__all__ = [
    "ALIKE",
    "KINDS",
    "BrokenQuestionError",
    "Content",
    "Key",
    "Kind",
    "Picture",
    "Problem",
    "Stored",
    "UnsupportedQuestionError",
    "by_digest",
    "decoded",
    "from_own",
    "from_question",
    "nearest",
    "problems",
    "similar",
    "to_own",
    "to_question",
    "words",
]
