"""Reads for pages and API answers. Each function says how many queries it costs."""
