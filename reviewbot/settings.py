"""The wiring: every setting comes from the environment, with a default that works on a laptop.

``manage.py settings`` prints the table of what can be set.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF

from reviewbot import logs
from reviewbot.environment import (
    SettingError,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_path,
    env_secret,
    env_text,
    take_file,
)

take_file()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR = env_path("REVIEWBOT_VAR", BASE_DIR / "var", "folder of everything the service keeps", "var beside manage.py")
try:
    VAR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise SettingError(f"REVIEWBOT_VAR={str(VAR)!r} cannot be written: {error.strerror}.") from error


def _embedded_secret() -> str:
    """Return a key of this installation, made once and kept with the data."""
    path = VAR / "secret-key"
    if not path.exists():
        draft = VAR / f"secret-key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii")


# --- Django ---------------------------------------------------------------------------------------------------------
DEBUG = env_bool("DEBUG", False, "show tracebacks on pages; never on a public host")
SECRET_KEY = env_secret("SECRET_KEY", "", "key of sessions and tokens") or _embedded_secret()
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], "host names the pages answer to")
SITE_URL = env_text("SITE_URL", "http://localhost:8000", "address of the dashboard, for links in mails").rstrip("/")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", [], "origins that may post forms, behind a proxy")
SECURE = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_HSTS_SECONDS = env_int(
    "HSTS_SECONDS",
    31_536_000 if SECURE else 0,
    "seconds of strict transport security",
    "31536000 where SITE_URL is https, else 0",
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env_bool(
    "HSTS_SUBDOMAINS", False, "let strict transport security hold for every host below this one, too"
)
# Whether the hosts below this one speak TLS is known to their operator alone, so neither is missed when it is off.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from within, past the proxy
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "threads.apps.ThreadsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "reviewbot.middleware.Naming",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "reviewbot.urls"
WSGI_APPLICATION = "reviewbot.wsgi.application"
APPEND_SLASH = False  # Message-IDs end as they end; both forms are routed where clients need both
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- logs -----------------------------------------------------------------------------------------------------------
LOG_FORMAT = env_choice("LOG_FORMAT", "text", logs.FORMATS, "how log lines are written, on standard error")
LOG_LEVEL = env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "least level of what is logged")
LOGGING = logs.configuration(LOG_FORMAT)
TRACES_URL = env_text("TRACES_URL", "", "OpenTelemetry collector that traces go to by OTLP over HTTP; none when empty")
if TRACES_URL and importlib.util.find_spec("opentelemetry") is None:
    raise SettingError("TRACES_URL needs OpenTelemetry: pip install -r requirements-traces.txt installs it.")

# --- database -------------------------------------------------------------------------------------------------------
DATABASE_URL = env_secret("DATABASE_URL", "", "PostgreSQL of several machines; SQLite in the data folder when empty")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL or f"sqlite:///{VAR / 'db.sqlite3'}", conn_max_age=60)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = 0

# --- queue ----------------------------------------------------------------------------------------------------------
REDIS_URL = env_secret("REDIS_URL", "", "shared Redis; a private one on a socket, or files, when empty")
REDIS_SOCKET = VAR / "redis.sock"
if len(str(REDIS_SOCKET)) > 100:  # sun_path holds 108 bytes, unix(7)
    _short = hashlib.sha256(str(VAR).encode()).hexdigest()[:16]
    REDIS_SOCKET = Path(tempfile.gettempdir()) / f"reviewbot-{os.getuid()}-{_short}" / "redis.sock"
    REDIS_SOCKET.parent.mkdir(mode=0o700, exist_ok=True)
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
EMBEDDED_REDIS = not REDIS_URL and shutil.which("redis-server") is not None
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
elif EMBEDDED_REDIS:
    CELERY_BROKER_URL = f"redis+socket://{REDIS_SOCKET}"
else:
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR / "broker"),
        "data_folder_out": str(VAR / "broker"),
        "control_folder": str(VAR / "broker-control"),
    }
    for _folder in ("broker", "broker-control"):
        (VAR / _folder).mkdir(exist_ok=True)
# Later than the time limit of every task: what is delivered again has lost its worker.
CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "visibility_timeout": 7200}
# Who queues something does not wait for a queue that is not there: the sweep queues it again.
CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "max_retries": 0}
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS["socket_connect_timeout"] = 5
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "reviewbot.beat:Scheduler"
CELERY_TASK_DEFAULT_QUEUE = "intake"
CELERY_TASK_ROUTES = {
    "threads.tasks.fetch": {"queue": "intake"},
    "threads.tasks.follow": {"queue": "intake"},
    "threads.tasks.sweep": {"queue": "intake"},
    "threads.tasks.obey": {"queue": "intake"},
    "threads.tasks.listen": {"queue": "intake"},
    "threads.tasks.read_mailbox": {"queue": "intake"},
    "threads.tasks.apply": {"queue": "tree"},
    "threads.tasks.sync": {"queue": "tree"},
    "threads.tasks.prune": {"queue": "tree"},
    "threads.tasks.check": {"queue": "check"},
    "threads.tasks.retain": {"queue": "intake"},
    "threads.tasks.retain_builds": {"queue": "build"},
    "threads.tasks.build": {"queue": "build"},
    "threads.tasks.warm": {"queue": "build"},
    "threads.tasks.publish": {"queue": "publish"},
    "threads.tasks.send_due": {"queue": "publish"},
    "threads.tasks.digest": {"queue": "publish"},
    "threads.tasks.notify": {"queue": "publish"},
    "threads.tasks.export_history": {"queue": "publish"},
}
QUEUES = ("intake", "tree", "check", "build", "publish")
LEASE_SECONDS = env_int("LEASE_SECONDS", 300, "after which a step of a lost worker is taken up again")
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 30, "between two looks for steps that were left behind")
FOLLOW_SECONDS = env_int("FOLLOW_SECONDS", 120, "between two looks at the followed lists")
SEND_SECONDS = env_int("SEND_SECONDS", 60, "between two looks for approved mails")
NOTIFY_SECONDS = env_int("NOTIFY_SECONDS", 20, "between two looks for what webhooks are to be told")
SYNC_SECONDS = env_int("SYNC_SECONDS", 3600, "between two fetches of the followed trees")
WARM_SECONDS = env_int("WARM_SECONDS", 3600, "between two looks whether the trees' present state is built ahead")
STALE_SYNCS = env_int("STALE_SYNCS", 3, "fetches that may fail to come before a tree is called stale")
# A look that nobody had time for is of no use later: the next one sees the same.
CELERY_BEAT_SCHEDULE = {
    task: {"task": f"threads.tasks.{task}", "schedule": seconds, "options": {"expires": seconds}}
    for task, seconds in (
        ("follow", FOLLOW_SECONDS),
        ("sweep", SWEEP_SECONDS),
        ("send_due", SEND_SECONDS),
        ("read_mailbox", FOLLOW_SECONDS),
        ("listen", 900),
        ("digest", 21_600),
        ("notify", NOTIFY_SECONDS),
        ("sync", SYNC_SECONDS),
        ("prune", 86_400),
        ("retain", 86_400),
        ("retain_builds", 86_400),
        ("export_history", 86_400),
        ("warm", WARM_SECONDS),
    )
}

# --- the way of a series --------------------------------------------------------------------------------------------
LORE_URL = env_text(
    "LORE_URL", "https://lore.kernel.org/all", "public-inbox that mails are fetched from, with its inbox"
).rstrip("/")
LINK_URL = env_text("LINK_URL", "https://lore.kernel.org/r/", "what a Message-ID is appended to for a link")
IDENTIFICATION = env_text(
    "IDENTIFICATION",
    f"reviewbot/0.1 (+{SITE_URL})",
    "User-Agent of fetches from archives; name a way to reach you",
    "reviewbot/0.1 (+SITE_URL)",
)
PRIVATE_ARCHIVES = env_bool("PRIVATE_ARCHIVES", False, "follow archives at private and loopback addresses, too")
ARCHIVE_HOSTS = env_list(
    "ARCHIVE_HOSTS",
    ["lore.kernel.org", "lkml.iu.edu", "www.spinics.net", "www.mail-archive.com", "marc.info"],
    "hosts whose pages manage.py import may fetch; .example.org is every host below it",
)
FETCH_SECONDS = env_int("FETCH_SECONDS", 60, "limit for fetching one thread")
STORE = env_path("REVIEWBOT_STORE", VAR / "store.git", "bare repository of the kernel trees", "REVIEWBOT_VAR/store.git")
TREE_HOSTS = env_list(
    "TREE_HOSTS",
    ["git.kernel.org", "git.infradead.org", "kernel.googlesource.com", "github.com", "gitlab.com", ".freedesktop.org"],
    "hosts that trees may be fetched from; .example.org is every host below it",
)
FETCH_BASES = env_bool("FETCH_BASES", True, "ask the repositories of the trees for a base-commit that is not here")
BUILDS = env_path(
    "REVIEWBOT_BUILDS", VAR / "builds", "folder of source and object trees of the builds", "REVIEWBOT_VAR/builds"
)
BUILD_THOROUGH = env_bool(
    "BUILD_THOROUGH", False, "also build the other page sizes, address widths and debugging options"
)
BUILD_DISK_GB = env_int("BUILD_DISK_GB", 20, "of objects of bases that are kept; the longest unused go first")
BUILD_CCACHE = env_text(
    "BUILD_CCACHE", "", "folder of ccache's results, on a file system that all builders share; none when empty"
)
MORE_CHECKS = env_list(
    "MORE_CHECKS", [], "checks beside the usual ones, noisy as they are: checkpatch, coccinelle, w1, sparse"
)
WAIVERS = env_text("WAIVERS", "", "file of findings that are not told, each with its reason")
BUILD_ENABLED = env_bool("BUILD_ENABLED", True, "cross-build at all")

# --- what is kept, and for how long ---------------------------------------------------------------------------------
KEEP_LOGS_DAYS = env_int("KEEP_LOGS_DAYS", 180, "days that logs of runs without findings are kept; 0: for ever")
KEEP_MAILS_DAYS = env_int(
    "KEEP_MAILS_DAYS", 0, "days that the bytes of mails about no series are kept, their text stays; 0: for ever"
)
KEEP_BUILDS_DAYS = env_int("KEEP_BUILDS_DAYS", 30, "days that unused trees of builds are kept; 0: for ever")

# --- mail -----------------------------------------------------------------------------------------------------------
MAIL_FROM = env_text("MAIL_FROM", "Page-table review <review@localhost>", "From of the drafted replies")
MAIL_REPLY_TO = env_text("MAIL_REPLY_TO", "", "Reply-To of the replies, where it is not From")
MAIL_BOUNCES = env_text("MAIL_BOUNCES", "", "envelope sender: the address that bounces go to; that of From when empty")
SENDING = env_bool("SENDING", False, "let mails leave, as far as the policy allows")
SMTP_URL = env_secret("SMTP_URL", "", "where mails are handed in: smtp+starttls://user:secret@host:587")
MAIL_POLICY = env_path(
    "MAIL_POLICY",
    VAR / "policy.toml",
    "who may be told what; drafts only while there is no file",
    "REVIEWBOT_VAR/policy.toml",
)
MODERATORS = env_list("MODERATORS", [], "addresses that waiting mails are shown to; their answers decide")
IMAP_URL = env_secret("IMAP_URL", "", "mailbox that is read for commands: imaps://user:secret@host/INBOX")
MODERATION_DAYS = env_int("MODERATION_DAYS", 7, "after which a mail that nobody approved is withheld")
DKIM_KEY = env_secret("DKIM_KEY", "", "private key that signs the mails: PEM, or an Ed25519 seed; unsigned when empty")
PATATT_KEY = env_secret("PATATT_KEY", "", "Ed25519 seed in base64 that signs the mails as patatt does; not when empty")
PATATT_SELECTOR = env_text("PATATT_SELECTOR", "default", "selector of that key")
DKIM_DOMAIN = env_text("DKIM_DOMAIN", "", "domain that signs; that of From when empty")
DKIM_SELECTOR = env_text("DKIM_SELECTOR", "reviewbot", "selector of the key in the DNS")

OPEN_SUBMISSIONS = env_bool(
    "OPEN_SUBMISSIONS",
    SITE_URL.startswith(("http://localhost", "http://127.0.0.1", "http://[::1]")),
    "let anybody submit and rerun series, not only people who are signed in",
    "yes where SITE_URL is this machine, else no",
)

# --- API ------------------------------------------------------------------------------------------------------------
API_READS = env_int("API_READS", 1200, "requests to read that one account or address may make a minute")
PROXIES = env_int(
    "PROXIES",
    1 if SECURE else 0,
    "proxies in front whose X-Forwarded-For is believed, to tell who asks too often",
    "1 where SITE_URL is https, else 0",
)
BULK = env_path(
    "REVIEWBOT_BULK", VAR / "bulk", "folder of the daily files of the whole public history", "REVIEWBOT_VAR/bulk"
)
PRIVATE_WEBHOOKS = env_bool("PRIVATE_WEBHOOKS", False, "tell webhooks at private and loopback addresses, too")
API_WRITES = env_int("API_WRITES", 120, "requests to write or for work that one account or address may make a minute")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "threads.api.auth.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NUM_PROXIES": PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Review assistant",
    "DESCRIPTION": "What is known about a patch series, by any of its Message-IDs.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {"Progress": "threads.api.shapes.PROGRESS", "State": "threads.api.shapes.STATES"},
}
