"""Every named address, read from the resolver."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def addresses() -> dict[str, list[str]]:
    """URL name (with its namespace) → the parts of the address that must be given."""
    found: dict[str, list[str]] = {}
    for name, pattern, parts in _walk(get_resolver().url_patterns, "", []):
        assert name, f"the address {pattern.pattern} has no name"
        found.setdefault(name, parts)
    return found


def _walk(
    patterns: list[URLPattern | URLResolver], prefix: str, above: list[str]
) -> Iterator[tuple[str | None, URLPattern, list[str]]]:
    for entry in patterns:
        parts = above + list(entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            deeper = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            yield from _walk(entry.url_patterns, deeper, parts)
        else:
            yield f"{prefix}{entry.name}" if entry.name else None, entry, parts
