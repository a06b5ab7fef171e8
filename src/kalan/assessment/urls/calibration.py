"""Calibration runs and what was measured on items."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
