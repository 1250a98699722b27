"""The wiring for tests: a data folder of its own for every run, and nothing that leaves the process."""

import atexit
import os
import shutil
import tempfile

if "REVIEWBOT_TEST_VAR" not in os.environ or os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["REVIEWBOT_TEST_VAR"] = tempfile.mkdtemp(prefix="reviewbot-tests-")
    atexit.register(shutil.rmtree, os.environ["REVIEWBOT_TEST_VAR"], ignore_errors=True)
os.environ["REVIEWBOT_VAR"] = os.environ["REVIEWBOT_TEST_VAR"]
os.environ["REVIEWBOT_ENVIRONMENT"] = os.devnull
for _name in ("REDIS_URL", "LORE_URL", "SITE_URL", "REVIEWBOT_STORE", "REVIEWBOT_BUILDS"):
    os.environ.pop(_name, None)

from reviewbot.settings import *  # noqa: E402, F403

EMBEDDED_REDIS = False
CELERY_BROKER_URL = "memory://"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
