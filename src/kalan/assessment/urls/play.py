"""What a learner sees of a test."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
