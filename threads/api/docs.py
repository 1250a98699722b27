"""The schema of the API, and a page to read it that needs no other host."""

from __future__ import annotations

from csp.constants import SELF
from csp.decorators import csp_update
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

schema = SpectacularAPIView.as_view()
# Swagger UI draws its icons from data: and sets styles on elements; scripts still come from here alone.
page = csp_update({"img-src": [SELF, "data:"], "style-src": [SELF, "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)
