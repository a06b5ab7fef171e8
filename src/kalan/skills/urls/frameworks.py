"""Frameworks and their cross-walks."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
