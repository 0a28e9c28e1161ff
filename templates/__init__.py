"""Words: documents, messages and pages, filled in by Jinja from `templates.facts` and papers."""

from templates.engine import (
    FONTS,
    Rendered,
    document,
    page,
    picture,
    policy,
    render,
    render_sms,
)

__all__ = ["FONTS", "Rendered", "document", "page", "picture", "policy", "render", "render_sms"]
