"""The schema of the API, and a page to read it that needs no other host."""

from __future__ import annotations

from csp.constants import SELF
from csp.decorators import csp_update
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

schema = SpectacularAPIView.as_view()
# Swagger UI draws its icons from data: and sets styles on elements; scripts still come from here alone.
page = csp_update({"img-src": [SELF, "data:"], "style-src": [SELF, "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by being a subclass
    """How a token is sent, for the schema."""

    target_class = "threads.api.auth.KeyAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the scheme in OpenAPI's words."""
        what = "`Authorization: Token …`; the operator makes one with `manage.py token create NAME --scope …`"
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": what}
