"""Tests before and after a session, and skill at work."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
