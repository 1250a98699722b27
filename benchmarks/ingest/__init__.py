"""Measure taking mails in."""
