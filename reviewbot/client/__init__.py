"""A client of the status API: typed, of one package, with nothing but Python's standard library.

from reviewbot.client import Client

status = Client("https://review.example.org").status("20260302.1@example.org", wait=60)
for finding in status.findings:
print(finding.severity, finding.file, finding.line, finding.message)
"""

from reviewbot.client.connection import Client, ClientError
from reviewbot.client.model import Check, Finding, Patch, Series

__all__ = ["Check", "Client", "ClientError", "Finding", "Patch", "Series"]
