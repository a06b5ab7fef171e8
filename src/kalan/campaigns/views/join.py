"""Taking part: the code, what the campaign is, beginning, one's result and who sees it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kalan.assessment.models import Result, Sitting
from kalan.assessment.services.sittings import play_url
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.campaigns.forms.join import CodeForm
from kalan.campaigns.models import Campaign, CampaignStep, Participant, ParticipantSitting
from kalan.campaigns.selectors.campaigns import steps_of
from kalan.campaigns.selectors.mine import my_outside_results, my_place_in
from kalan.campaigns.services import joining, progress
from kalan.people.http import ActorRequest, show_refusal, signed_in
from kalan.people.services.accounts_door import address_of, keep_next
from kalan.training.models import Registration


@never_cache
@require_http_methods(["GET", "POST"])
def campaign_code(request: HttpRequest) -> HttpResponse:
    """Type the code of a campaign."""
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            found = joining.find_campaign(
                code=form.cleaned_data["code"], address=address_of(request), now=clock.now()
            )
        except Refused as refused:
            show_refusal(form, refused)
            status = 429 if refused.code == "wait" else 200
        else:
            return redirect("campaign-join", code=found.code)
    return render(request, "campaigns/code.html", {"form": form}, status=status)


@dataclass(frozen=True)
class StepShown:
    """One step as its participant sees it. ``state``: "done", "begun", "next", "later", "train"."""

    step: CampaignStep
    state: str
    sitting: Sitting | None
    reusable: Sitting | None
    when: str = ""

    @property
    def url(self) -> str:
        return play_url(self.sitting) if self.sitting else ""


@never_cache
@require_http_methods(["GET", "POST"])
def campaign_join(request: ActorRequest, code: str) -> HttpResponseBase:
    """What the campaign is and who sees the result; then one's own place in it."""
    now = clock.now()
    try:
        campaign = joining.find_campaign(code=code, address=address_of(request), now=now)
    except Refused as refused:
        status = 429 if refused.code == "wait" else 404
        context = {"form": CodeForm(initial={"code": code}), "refused": refused}
        return render(request, "campaigns/code.html", context, status=status)
    if code != campaign.code:
        return redirect("campaign-join", code=campaign.code)
    if not request.actor.is_authenticated:
        return _at_the_door(request, campaign)
    return _inside(request, campaign)


def _at_the_door(request: ActorRequest, campaign: Campaign) -> HttpResponseBase:
    """Sign in, or open one's account: either leads back here."""
    here = reverse("campaign-join", args=[campaign.code])
    ended = _why_shut(campaign)
    query = urlencode({"next": here})
    context = {
        "campaign": campaign,
        "steps": steps_of(campaign),
        "ended": ended,
        "sign_in_url": f"{reverse('account_login')}?{query}",
        "register_url": f"{reverse('account_register')}?{query}" if campaign.anyone else "",
    }
    response = render(request, "campaigns/door.html", context, status=410 if ended else 200)
    if ended is None:
        keep_next(response, here)
    return response


def _why_shut(campaign: Campaign) -> Refused | None:
    try:
        joining.require_joinable(campaign, now=clock.now())
    except Refused as refused:
        return refused
    return None


@signed_in
def _inside(request: ActorRequest, campaign: Campaign) -> HttpResponseBase:
    place = my_place_in(request.actor, campaign)
    ended = _why_shut(campaign)
    if request.method == "POST":
        return _join(request, campaign)
    if place is None or (place.state == Participant.State.INVITED and place.account_id is None):
        context = {
            "campaign": campaign,
            "steps": steps_of(campaign),
            "ended": ended,
            "inside": True,
        }
        return render(request, "campaigns/door.html", context, status=410 if ended else 200)
    return _place_page(request, campaign, place, ended)


def _join(request: ActorRequest, campaign: Campaign) -> HttpResponseBase:
    """Come in, and begin at once when the first thing to do is a test."""
    by_link = "lien" in request.POST
    try:
        place = joining.join(
            actor=request.actor,
            now=clock.now(),
            campaign=campaign,
            joined=Participant.Joined.LINK if by_link else Participant.Joined.CODE,
        )
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-join", code=campaign.code)
    first = next(iter(steps_of(campaign)), None)
    waits = place.state == Participant.State.INVITED and not campaign.history
    if waits and first is not None and first.test is not None:
        return _begin(request, place, first)
    return redirect("campaign-join", code=campaign.code)


def _place_page(
    request: ActorRequest, campaign: Campaign, place: Participant, ended: Refused | None
) -> HttpResponseBase:
    shown = _steps(request, campaign, place)
    context = {
        "campaign": campaign,
        "place": place,
        "steps": shown,
        "ended": ended,
        "done": sum(one.state == "done" for one in shown),
        "has_result": Result.objects.filter(
            current=True, sitting__campaign_part__participant=place
        ).exists(),
    }
    return render(request, "campaigns/place.html", context)


def _steps(request: ActorRequest, campaign: Campaign, place: Participant) -> list[StepShown]:
    now = clock.now()
    sittings = {
        row.step_id: row.sitting
        for row in ParticipantSitting.objects.filter(participant=place).select_related("sitting")
    }
    sessions = _sessions_followed(request)
    shown: list[StepShown] = []
    waiting = False  # whether an earlier test is still to be done
    for step in steps_of(campaign):
        if step.test is None:
            done = step.session_id in sessions[0] or step.theme_id in sessions[1]
            when = f"{step.session.start:%d/%m/%Y}" if step.session else ""
            shown.append(StepShown(step, "done" if done else "train", None, None, when))
            continue
        sitting = sittings.get(step.pk)
        over = sitting is not None and sitting.state in Sitting.OVER
        state = "done" if over else "begun" if sitting else "later" if waiting else "next"
        old = progress.reusable(place, step, now=now) if state == "next" else None
        shown.append(StepShown(step, state, sitting, old))
        waiting = waiting or not over
    return shown


def _sessions_followed(request: ActorRequest) -> tuple[set[int], set[int]]:
    """Sessions in which the person was present, and their themes."""
    if request.actor.agent_id is None:
        return set(), set()
    rows = (
        Registration.objects.filter(agent=request.actor.agent_id, presences__isnull=False)
        .values_list("session", "session__theme")
        .distinct()
    )
    found = list(rows)
    return {session for session, _ in found}, {theme for _, theme in found}


@require_POST
@signed_in
def campaign_begin(request: ActorRequest, code: str, rank: int) -> HttpResponseBase:
    """Begin a step, go on with it, or take in a recent result."""
    place, step = _my_step(request, code, rank)
    if "reprendre" in request.POST:
        try:
            progress.reuse(actor=request.actor, now=clock.now(), participant=place, step=step)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Votre résultat récent compte dans cette campagne.")
        return redirect("campaign-join", code=place.campaign.code)
    return _begin(request, place, step)


def _begin(request: ActorRequest, place: Participant, step: CampaignStep) -> HttpResponseBase:
    try:
        sitting = progress.begin(actor=request.actor, now=clock.now(), participant=place, step=step)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-join", code=place.campaign.code)
    return redirect(play_url(sitting))


def _my_step(request: ActorRequest, code: str, rank: int) -> tuple[Participant, CampaignStep]:
    campaign = Campaign.objects.filter(code=joining.normalised_code(code)).first()
    place = my_place_in(request.actor, campaign) if campaign else None
    step = campaign.steps.select_related("test").filter(rank=rank).first() if campaign else None
    if place is None or step is None or step.test is None:
        raise Http404
    return place, step


@require_POST
@signed_in
def campaign_share(request: ActorRequest, code: str) -> HttpResponseBase:
    """Share one's result, or take the sharing back."""
    place = _my_place(request, code)
    back = "reprendre" in request.POST
    try:
        if back:
            joining.unshare(actor=request.actor, now=clock.now(), participant=place)
        else:
            joining.share(actor=request.actor, now=clock.now(), participant=place)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        said = "Vous êtes de nouveau seul à voir votre résultat." if back else "Résultat partagé."
        messages.success(request, said)
    return redirect("campaign-join", code=place.campaign.code)


@signed_in
def campaign_leave(request: ActorRequest, code: str) -> HttpResponseBase:
    """Leave a campaign, asked first."""
    place = _my_place(request, code)
    if request.method == "POST":
        joining.withdraw(actor=request.actor, now=clock.now(), participant=place)
        messages.success(request, "Vous avez quitté la campagne : plus aucun rappel.")
        return redirect("my-space")
    return render(request, "campaigns/leave.html", {"campaign": place.campaign})


def _my_place(request: ActorRequest, code: str) -> Participant:
    campaign = Campaign.objects.filter(code=joining.normalised_code(code)).first()
    place = my_place_in(request.actor, campaign) if campaign else None
    if place is None:
        raise Http404
    return place


@signed_in
def my_outside(request: ActorRequest) -> HttpResponseBase:
    """What other platforms said of oneself."""
    rows = my_outside_results(request.actor)
    return render(request, "campaigns/my_outside.html", {"rows": rows})
