"""The project's own habits: who imports whom, licence, pinned requirements, and what a deployment must be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("postgres", "redis")
QUEUES = ("intake", "tree", "check", "build", "publish")


def tracked() -> list[Path]:
    """Return the files of the project: what git keeps, else everything that is not made by running it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def test_rooms_import_only_what_stands_to_their_left() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)


def test_the_licence_is_that_of_b4() -> None:
    licence = text_of(ROOT / "LICENSE")
    assert "GNU GENERAL PUBLIC LICENSE" in licence
    assert "Version 2, June 1991" in licence
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert project["license"] == "GPL-2.0-or-later"
    assert "GPL-2.0-or-later" in text_of(ROOT / "README.md")


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    machine = re.compile("|".join((r"(?<![\w.])/wo" + r"rk/", r"/srv/" + r"k\b", r"/ro" + r"ot/", r"/home/" + r"\w")))
    found = [f"{path.relative_to(ROOT)}: {match[0]}" for path in tracked() if (match := machine.search(text_of(path)))]
    assert found == []


def test_what_lies_beside_the_project_is_known_to_tests_and_benchmarks_alone() -> None:
    beside = re.compile(r"\.\./" + "shared")
    found = {path.relative_to(ROOT).parts[0] for path in tracked() if beside.search(text_of(path))}
    assert found <= {"tests", "benchmarks", "pyproject.toml"}


def test_the_people_in_our_mails_are_invented() -> None:
    people = re.compile(rb"(?mi)^(?:From|To|Cc|Reply-To|Sender|[A-Za-z-]+-by):(.*(?:\n[ \t].*)*)")
    address = re.compile(rb"[\w.+-]+@([\w.-]+)")
    lists = {b"kvack.org", b"lists.infradead.org", b"vger.kernel.org"}
    found = {
        (path.relative_to(ROOT), host)
        for path in tracked()
        if path.suffix in (".mbox", ".eml")
        for field in people.findall(path.read_bytes())
        for host in address.findall(field)
        if host not in lists and not re.search(rb"(^|\.)(example\.(org|com|net)|localhost|invalid|test)$", host)
    }
    assert found == set()


def pins(name: str) -> dict[str, str]:
    """Return the exact versions of a requirements file."""
    found = {}
    for line in text_of(ROOT / name).splitlines():
        line = line.partition("#")[0].strip()
        if line and not line.startswith("-"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)", line)
            assert match, f"{name}: {line} names no exact version"
            found[canonicalize_name(match[1])] = match[2]
    return found


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-traces.txt"])
def test_requirements_are_pinned_and_agree_with_the_constraints(name: str) -> None:
    constraints = pins("constraints.txt")
    assert "-c constraints.txt" in text_of(ROOT / name)
    for package, version in pins(name).items():
        assert constraints.get(package) == version, package


def pulled_in(names: dict[str, str]) -> Iterator[str]:
    """Yield every package that the given ones need in this environment."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        for line in metadata.requires(name) or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(need.name))


def test_what_the_requirements_pull_in_is_pinned_too() -> None:
    constraints = pins("constraints.txt")
    loose = [name for name in pulled_in(pins("requirements.txt")) if constraints.get(name) != metadata.version(name)]
    assert loose == []


def test_the_bill_of_materials_names_whatever_is_installed_for_the_service() -> None:
    told = json.loads(
        subprocess.run([sys.executable, "deploy/sbom.py"], cwd=ROOT, capture_output=True, check=True).stdout
    )
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.5")
    found = {one["name"]: one["version"] for one in told["components"]}
    assert len(found) == len(told["components"])
    wanted = set(pulled_in(pins("requirements.txt")))
    assert wanted <= set(found)
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in told["components"])
    assert {name: metadata.version(name) for name in wanted} == {name: found[name] for name in wanted}


def test_hooks_and_ci_fetch_nothing() -> None:
    hooks = yaml.safe_load(text_of(ROOT / ".pre-commit-config.yaml"))
    assert {repo["repo"] for repo in hooks["repos"]} == {"local"}
    assert {hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]} == {"system"}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert "make test" in text_of(ROOT / ".ci" / "run")


def test_make_help_lists_every_target_that_is_meant_for_people() -> None:
    makefile = text_of(ROOT / "Makefile")
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    meant = re.findall(r"^([a-z-]+):.*## (.+)$", makefile, re.MULTILINE)
    assert {"help", "demo", "test", "up", "lint", "format", "clean"} <= {name for name, _ in meant}
    for name, words in meant:
        assert re.search(rf"make {name} +{re.escape(words)}", shown), name


def test_the_readme_names_the_two_commands_and_the_changelog_the_version() -> None:
    readme = text_of(ROOT / "README.md")
    assert "make demo" in readme
    assert "make test" in readme
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    assert f"[{version}]" in text_of(ROOT / "CHANGELOG.md")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load(text_of(ROOT / "docker-compose.yml"))
    return described


def test_the_deployment_has_a_worker_for_each_queue(compose: dict[str, Any]) -> None:
    from reviewbot.celery import app

    assert {"web", "beat", *ENGINES} <= set(compose["services"])
    routed = {route["queue"] for route in app.conf.task_routes.values()}
    assert routed == set(QUEUES)
    for queue in QUEUES:
        command = compose["services"][f"worker-{queue}"]["command"]
        assert command[command.index("worker") + 1] == queue


def test_nothing_runs_as_root_or_with_capabilities(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["user"].partition(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["read_only"] is True, name
        assert not service.get("privileged"), name
    dockerfile = text_of(ROOT / "Dockerfile")
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)
    for stage in (stage for stage in stages if re.match(r"\S+ AS (web|worker)\b", stage)):
        assert re.findall(r"^USER (\S+)", stage, re.MULTILINE)[-1] == "reviewbot"


def test_only_the_pages_are_published_and_only_on_this_host(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])
    assert compose["networks"]["inside"]["internal"] is True
    for name in (*ENGINES, "worker-build"):
        assert compose["services"][name]["networks"] == ["inside"], name


def test_every_service_that_stays_says_whether_it_is_well(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if service["restart"] != "no":
            assert service["healthcheck"]["test"], name


def test_what_must_survive_is_in_volumes_and_secrets_are_files(compose: dict[str, Any]) -> None:
    assert {"var", "postgres"} <= set(compose["volumes"])
    assert all("file" in secret for secret in compose["secrets"].values())
    for name, service in compose["services"].items():
        for key in service.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|DATABASE_URL", key) or key.endswith("_FILE"), (name, key)


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    for name in ENGINES:
        assert re.search(r":\d+\.\d+", compose["services"][name]["image"]), name
    origins = re.findall(r"^FROM (\S+)", text_of(ROOT / "Dockerfile"), re.MULTILINE)
    assert all(re.search(r":[a-z]+-\d{8}", origin) for origin in origins if ":" in origin)
    assert {origin for origin in origins if ":" not in origin} <= {"base", "web"}


def test_the_target_of_systemd_starts_a_worker_for_every_queue() -> None:
    target = text_of(ROOT / "deploy" / "systemd" / "reviewbot.target")
    assert set(re.findall(r"reviewbot-worker@(\w+)\.service", target)) == set(QUEUES)


def test_what_the_text_for_operators_names_is_there() -> None:
    text = text_of(ROOT / "docs" / "operations.md") + text_of(ROOT / "docs" / "threat-model.md")
    assert set(re.findall(r"manage\.py ([a-z-]+)", text)) <= set(get_commands())
    named = set(re.findall(r"`((?:reviewbot|deploy|tests|benchmarks)/[\w./-]+)`", text))
    assert [name for name in named if not (ROOT / name).exists()] == []
    settings = text_of(ROOT / "reviewbot" / "settings.py")
    assert [name for name in re.findall(r"`([A-Z]+_[A-Z]+)`", text) if f'"{name}"' not in settings] == []
