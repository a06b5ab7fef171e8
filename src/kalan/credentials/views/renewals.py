"""Certificates that end: the list, and the exam offered to their holders."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from kalan.assessment.models import Exam
from kalan.assessment.selectors.exams import may
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.notifications.spending import EMAIL
from kalan.base.text import some
from kalan.credentials.forms.batches import as_uuid
from kalan.credentials.forms.life import OfferForm, RenewalFilters
from kalan.credentials.models import Act
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors import renewals as reads
from kalan.credentials.selectors.listing import structures_in
from kalan.credentials.services import renewals
from kalan.people.http import ActorRequest, show_refusal, staff

VIEW = CAPABILITIES["acts.view"]
RENEW = CAPABILITIES["acts.renew"]


@staff(VIEW)
def renewal_list(request: ActorRequest) -> HttpResponseBase:
    """Certificates of the territory that end soon or ended lately, the first to end first."""
    today = clock.today()
    found = reads.to_renew(request.actor, today=today)
    frameworks = reads.frameworks_in(found)
    filters = RenewalFilters(request.GET, structures=structures_in(found), frameworks=frameworks)
    rows = reads.listed(found, today=today)
    order = reads.ORDERS[""][1]
    if filters.is_valid():
        rows = reads.narrowed(rows, filters.cleaned_data, today=today)
        order = reads.ORDERS[filters.cleaned_data["tri"]][1]
    if fmt := request.GET.get("format"):
        lines = reads.lines(rows.order_by(*order), today=today)
        return table_response("a-renouveler", reads.HEADERS, lines, fmt)
    context = {
        "page": paginate(rows, request, order=order),
        "filters": filters,
        "today": today,
        "several": len(frameworks) > 1,
        "ticked": "cocher" in request.GET,
        "may_offer": request.actor.can(RENEW),
    }
    return render(request, "credentials/life/renewals.html", context)


@staff(RENEW)
def renewal_offer(request: ActorRequest) -> HttpResponseBase:
    """Offer an exam to the people ticked: what it would do and cost first, then it is done."""
    now = clock.now()
    given = request.POST if request.method == "POST" else request.GET
    uids = {uid for text in given.getlist("acte")[: renewals.MOST] if (uid := as_uuid(text))}
    acts = renewals.chosen(request.actor, uids, now=now)
    codes = {act.framework_code for act in acts}  # type: ignore[attr-defined]
    exams = list(reads.exams_to_offer(request.actor, codes, today=clock.today())[:50])
    form = _form(request, exams)
    if request.method == "POST" and exams and form.is_valid():
        try:
            said = renewals.offer(
                actor=request.actor,
                now=now,
                acts=[act.uid for act in acts],
                exam=form.cleaned_data["exam"],
                enrol=form.cleaned_data["enrol"],
                channels=form.cleaned_data["channels"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            _tell(request, said)
            return redirect("act-renewals")
    context = {"acts": acts, "exams": exams, "form": form, "today": clock.today()}
    context |= _plan(form, acts, exams)
    status = 422 if request.method == "POST" and form.errors else 200
    return render(request, "credentials/life/renewal_offer.html", context, status=status)


def _form(request: ActorRequest, exams: list[Exam]) -> OfferForm:
    if request.method == "POST":
        return OfferForm(request.POST, exams=exams)
    if "exam" in request.GET:
        return OfferForm(request.GET, exams=exams)
    enrols = bool(exams) and may(request.actor, "exams.plan", exams[0])
    return OfferForm(initial={"enrol": enrols, "channels": [EMAIL]}, exams=exams)


def _plan(form: OfferForm, acts: list[Act], exams: list[Exam]) -> dict[str, object]:
    """What the form as it stands would send."""
    if not exams or not acts:
        return {}
    if form.is_bound:
        form.is_valid()
    asked = form.cleaned_data if form.is_bound else form.initial
    exam: Exam = asked.get("exam") or exams[0]
    enrol, channels = bool(asked.get("enrol")), list(asked.get("channels") or [])
    fit = [act for act in acts if act.framework_code == exam.framework_code]  # type: ignore[attr-defined]
    plan = renewals.preview(acts=acts, exam=exam, enrol=enrol, channels=channels, now=clock.now())
    return {
        "plan": plan,
        "exam": exam,
        "enrol": enrol,
        "channels": channels,
        "fit": len(fit),
        "aside": len(acts) - len(fit),
    }


def _tell(request: ActorRequest, said: renewals.Offered) -> None:
    """What became of the offer, and of whom nothing."""
    parts = []
    if said.added:
        parts.append(some(said.added, "personne inscrite", "personnes inscrites"))
    if said.enrolment.already:
        parts.append(f"{some(len(said.enrolment.already), 'déjà inscrite', 'déjà inscrites')}")
    if said.sent:
        parts.append(some(said.sent, "message envoyé", "messages envoyés"))
    messages.success(request, f"{', '.join(parts) or 'Rien de nouveau à faire'}.")
    for name, why in said.enrolment.waiting:
        messages.warning(request, f"{name} n’est pas inscrit(e) : {why}.")
    if said.without:
        messages.warning(
            request, f"Sans compte actif, donc pas inscrits : {', '.join(said.without)}."
        )
