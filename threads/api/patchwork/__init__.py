"""Patchwork's REST dialect, for git-pw, pwclient, b4 and other bots.

What each client calls and reads is told by its source; the fields by version
are those of Patchwork's API 1.0 to 1.4.
"""
