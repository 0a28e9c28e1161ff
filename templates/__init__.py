"""Words: documents, messages and pages, filled in by Jinja from the facts of `templates.facts`."""

from templates.engine import Rendered, document, page, policy, render, render_sms

__all__ = ["Rendered", "document", "page", "policy", "render", "render_sms"]
