"""Addresses of pages and APIs; see the README for the table."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
