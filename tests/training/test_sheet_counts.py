"""A signed sheet attached or taken off has its session counted anew."""

from __future__ import annotations

from django.core.files.base import ContentFile

from kalan.people.actor import SYSTEM
from kalan.training.models import DirtySession
from kalan.training.services.attendance_paper import attach_sheet, remove_sheet
from tests.factories import people, training


def test_a_sheet_attached_or_removed_marks_its_session_for_recount(tree: people.Tree) -> None:
    session = training.session(tree.centre_sokone)
    attach_sheet(
        actor=SYSTEM,
        now=people.NOW,
        session=session,
        file=ContentFile(b"%PDF-1.7 feuille", name="feuille.pdf"),
        name="feuille.pdf",
    )
    assert list(DirtySession.objects.values_list("session_id", flat=True)) == [session.pk]
    DirtySession.objects.all().delete()
    remove_sheet(actor=SYSTEM, now=people.NOW, page=session.sheets.get())
    assert list(DirtySession.objects.values_list("session_id", flat=True)) == [session.pk]
