"""How every form of the house is drawn: label, help, error, in that order, tied for readers."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Set by FORM_RENDERER. Widgets keep Django's own templates."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"
