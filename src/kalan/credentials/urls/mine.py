from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import mine as views

_ONE = "mes-documents/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("mes-documents/", views.my_acts, name="my-acts"),
    path(f"{_ONE}document.pdf", views.my_act_file, name="my-act-file"),
    path(f"{_ONE}badge/<str:form>/", views.my_act_badge, name="my-act-badge"),
    path(f"{_ONE}partage/", views.my_act_share, name="my-act-share"),
    # What a message holds: no account, the key and what is printed on the document.
    path("document/<str:key>/", views.act_link, name="act-link"),
]
