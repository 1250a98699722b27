"""Print what an installation consists of, as CycloneDX 1.5 (JSON): what the requirements pull in, as it is installed.

python deploy/sbom.py > sbom.json; tools such as grype, trivy and Dependency-Track tell which of it has known faults.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def asked(name: str = "requirements.txt") -> list[Requirement]:
    """Return the requirements of a file."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def installed(wanted: list[Requirement]) -> Iterator[metadata.Distribution]:
    """Yield every distribution that the requirements need in this environment, each once."""
    waiting = list(wanted)
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        need = waiting.pop()
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key in seen:
            continue
        found = metadata.distribution(need.name)
        if not any(name == key[0] for name, _ in seen):
            yield found
        seen.add(key)
        for line in found.requires or []:
            inner = Requirement(line)
            extras = need.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in {*extras, ""}):
                waiting.append(inner)


def component(found: metadata.Distribution) -> dict[str, Any]:
    """Return the entry of a distribution."""
    name = canonicalize_name(found.name)
    said = found.metadata.json
    licence = said.get("license_expression") or str(said.get("license") or "").strip().partition("\n")[0][:100]
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{found.version}",
        "purl": f"pkg:pypi/{name}@{found.version}",
        "name": name,
        "version": found.version,
        **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
    }


def document() -> dict[str, Any]:
    """Return the whole; the same installation gives the same bytes."""
    components = sorted(map(component, installed(asked())), key=lambda one: str(one["name"]))
    subject = {"type": "application", "name": "reviewbot", "licenses": [{"license": {"id": "GPL-2.0-or-later"}}]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject},
        "components": components,
    }


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
    sys.stdout.write("\n")
