"""The names of Chromium, the one to take first: the engine without what windows need, a fifth less
of processor in the browser's tests."""

from __future__ import annotations

HEADLESS = "chromium-headless-shell"
BROWSERS = (HEADLESS, "chromium", "chromium-browser", "google-chrome")
