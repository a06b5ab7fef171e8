"""The one settings file. Every variable is named ``KALAN_…`` and stands in docs/reglages.md."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env(prefix="KALAN_")

BASE_DIR = Path(__file__).resolve().parents[3]
PACKS_DIR = BASE_DIR / "packs"
KALAN_HOME = Path(env.str("HOME", str(BASE_DIR / "var"))).resolve()
KALAN_HOME.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", False)
KALAN_DEMO = env.bool("DEMO", False)
KALAN_COUNTRY = env.str("COUNTRY", "sn")
KALAN_BASE_URL = env.str("BASE_URL", "http://localhost:8000").rstrip("/")
_base = urlsplit(KALAN_BASE_URL)
SECURE = _base.scheme == "https"


def _secret_key() -> str:
    """The key from the environment, else one made once and kept in KALAN_HOME (mode 0600)."""
    given = env.str("SECRET_KEY", "")
    if given:
        return given
    path = KALAN_HOME / "secret_key"
    if not path.exists():
        # Several processes may start at once: the whole key appears under its name, or none.
        mine = path.with_name(f"secret_key.{secrets.token_hex(8)}")
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text().strip()


SECRET_KEY = _secret_key()
# A training room reaches the server by its address on the local network, over plain http.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["*"] if not SECURE else [str(_base.hostname)])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [KALAN_BASE_URL])
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "treebeard",
    "auditlog",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_tasks",
    "django_tasks_db",
    "kalan.base",
    "kalan.people",
    "kalan.skills",
    "kalan.assessment",
    "kalan.training",
    "kalan.credentials",
    "kalan.campaigns",
    "kalan.indicators",
    "kalan.web",
]

# No LocaleMiddleware: the product speaks French whatever the browser asks for; the few pages that
# exist in English switch by their address.
MIDDLEWARE = [
    "kalan.base.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # before CSP: a file needs no page policy
    "kalan.web.middleware.PageMiddleware",  # after CSP on the way out: a 304 must not renew it
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "kalan.people.http.ActorMiddleware",
]

ROOT_URLCONF = "kalan.config.urls"
KALAN_WEB_PROCESSES = env.int("WEB_PROCESSES", min(2, os.cpu_count() or 1))
KALAN_WEB_THREADS = env.int("WEB_THREADS", 8)
KALAN_SIGNING_PROCESSES = env.int("SIGNING_PROCESSES", min(2, os.cpu_count() or 1))
KALAN_SIGNING_PLATES = env.bool("SIGNING_PLATES", True)
KALAN_SIGNATURE_LEVEL = env.str("SIGNATURE_LEVEL", "b-b").lower()
KALAN_TSA_URL = env.str("TSA_URL", "")
KALAN_TSA_TIMEOUT = env.float("TSA_TIMEOUT", 20.0)
if KALAN_SIGNATURE_LEVEL not in ("b-b", "b-t", "b-lt", "b-lta"):
    raise ImproperlyConfigured("KALAN_SIGNATURE_LEVEL\u00a0: b-b, b-t, b-lt ou b-lta.")
if KALAN_SIGNATURE_LEVEL != "b-b" and not KALAN_TSA_URL:
    raise ImproperlyConfigured("KALAN_SIGNATURE_LEVEL demande KALAN_TSA_URL.")
# Archives and print runs of acts are made again at will: they are kept for a while only.
KALAN_ACTS_BUNDLE_DAYS = env.int("ACTS_BUNDLE_DAYS", 7)
if KALAN_ACTS_BUNDLE_DAYS < 1:
    raise ImproperlyConfigured("KALAN_ACTS_BUNDLE_DAYS\u00a0: au moins un jour.")
WSGI_APPLICATION = "kalan.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "kalan.web.context.site",
            ],
        },
    },
]


def database(url: str) -> dict[str, Any]:
    """Django's settings for ``postgresql://user:password@host:port/name``; empty: SQLite."""
    if url:
        parts = urlsplit(url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": KALAN_HOME / "kalan.sqlite3",
        # Opening the file anew for each request took 4 to 6 ms of processor, half of an answer's.
        "CONN_MAX_AGE": 60,
        # FULL: a phone deletes its copy of a mark once told that it is stored.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000;"
                "PRAGMA mmap_size=268435456; PRAGMA journal_size_limit=67108864;"
            ),
        },
    }


DATABASES = {"default": database(env.str("DATABASE_URL", ""))}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kalan_cache",
    }
}


def _origins(provider: dict[str, Any]) -> list[str]:
    """Where a provider's sign-in pages live: its server, or what its ``origins`` say."""
    parts = urlsplit(provider["server"])
    return list(provider.get("origins", [f"{parts.scheme}://{parts.netloc}"]))


# --- Accounts: sign-in, second factor, identity providers (people) ---------------------------
AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["kalan.people.backends.AccountBackend"]
SESSION_ENGINE = "kalan.people.sessions"
PASSWORD_HASHERS = ["kalan.people.hashers.OwaspArgon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/connexion/"
LOGIN_REDIRECT_URL = "/mon-espace/"
LOGOUT_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "kalan.people.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}  # the sign-in page is ours: people/services/accounts_signin.py
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# Codes of the second factor. The address is generous: one hotspot for a whole room.
ACCOUNT_RATE_LIMITS = {"login_failed": "200/15m/ip,10/15m/key", "reauthenticate": "20/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.bool("BEHIND_PROXY", False) else 0
MFA_ADAPTER = "kalan.people.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Kalan"
MFA_TOTP_TOLERANCE = 1  # clocks of cheap phones drift; a code serves once all the same
MFA_FORMS = {
    "authenticate": "kalan.people.forms.accounts_second_factor.AuthenticateForm",
    "reauthenticate": "kalan.people.forms.accounts_second_factor.ReauthenticateForm",
    "activate_totp": "kalan.people.forms.accounts_second_factor.ActivateTotpForm",
    "add_webauthn": "kalan.people.forms.accounts_second_factor.AddPasskeyForm",
}
SOCIALACCOUNT_ADAPTER = "kalan.people.adapters.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
# A JSON list of OpenID providers; fields in docs/reglages.md, matching in people/oidc.py.
KALAN_OIDC: list[dict[str, Any]] = json.loads(env.str("OIDC", "[]"))
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": one["id"],
                "name": one["name"],
                "client_id": one["client_id"],
                "secret": one.get("secret", ""),
                "settings": {
                    "server_url": one["server"],
                    "scope": one.get("scope", ["openid", "profile", "email"]),
                    "auth_params": one.get("auth_params", {}),
                    "token_auth_method": one.get("token_auth_method"),
                    "matricule_claim": one.get("matricule_claim", ""),
                    "country": one.get("country", KALAN_COUNTRY),
                },
            }
            for one in KALAN_OIDC
        ],
    }
}
# --- end of accounts -------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "src" / "kalan" / "locale"]
TIME_ZONE = env.str("TIME_ZONE", "Africa/Dakar")
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["kalan.web.formats"]
FORM_RENDERER = "kalan.web.forms.Renderer"
CSRF_FAILURE_VIEW = "kalan.web.views.errors.csrf_failure"

STATIC_URL = "/static/"
STATIC_ROOT = KALAN_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)
MEDIA_ROOT = KALAN_HOME / "files"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "kalan.web.light.LightStaticFilesStorage"},
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        # Signing in through a provider is a form whose answer leads there.
        "form-action": ["'self'", *(o for one in KALAN_OIDC for o in _origins(one))],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# The queue lives in the database, or in Redis/Valkey: redis://[:password@]host:port/number.
KALAN_QUEUE_URL = env.str("QUEUE_URL", "")
TASKS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}
}
if KALAN_QUEUE_URL:
    TASKS = {"default": {"BACKEND": "django_tasks_rq.RQBackend", "QUEUES": ["default"]}}
    RQ_QUEUES = {"default": {"URL": KALAN_QUEUE_URL, "DEFAULT_TIMEOUT": 3600}}
    INSTALLED_APPS += ["django_rq"]

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(KALAN_HOME / "mail")
if smtp := env.str("SMTP_URL", ""):
    _smtp = urlsplit(smtp)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _smtp.hostname or "localhost", _smtp.port or 25
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _smtp.username or "", _smtp.password or ""
    EMAIL_USE_TLS = _smtp.scheme == "smtps"
DEFAULT_FROM_EMAIL = env.str("FROM_EMAIL", "kalan@localhost")

# SMS: any gateway that takes one HTTP request per message (base/notifications/channels.py).
# "file" and "console" are for development; "http" is chosen as soon as there is an address.
KALAN_SMS_URL = env.str("SMS_URL", "")
KALAN_SMS_BACKEND = env.str("SMS_BACKEND", "http" if KALAN_SMS_URL else "file")
KALAN_SMS_FORMAT = env.str("SMS_FORMAT", "json")  # or "form"
# The fields of the request; {to}, {text}, {sender} and {ref} are filled in.
KALAN_SMS_FIELDS = json.loads(
    env.str("SMS_FIELDS", '{"to": "{to}", "from": "{sender}", "text": "{text}"}')
)
KALAN_SMS_AUTHORIZATION = env.str("SMS_AUTHORIZATION", "")  # the header's value
KALAN_SMS_SENDER = env.str("SMS_SENDER", "Kalan")
KALAN_SMS_PART_COST = env.decimal("SMS_PART_COST", Decimal(0))  # in the programmes' currency
KALAN_SMS_MONTHLY_CEILING = env.decimal("SMS_MONTHLY_CEILING", Decimal(0))  # outside programmes

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
KALAN_UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_MB", 50) * 1024 * 1024

# JSON on stderr, one object a line; the name of the level is Python's, in capitals or not.
KALAN_LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "kalan.base.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "kalan": {"level": KALAN_LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django_tasks": {"level": KALAN_LOG_LEVEL},
        "gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []},
        "gunicorn.access": {"level": "INFO", "propagate": True, "handlers": []},
    },
}
FILE_UPLOAD_HANDLERS = [
    "kalan.base.uploads.QuotaHandler",  # beyond the limit: thrown away while it arrives
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# A file that names faults to make, for tests only (training.views.attendance_faults).
KALAN_FAULTS = env.str("FAULTS", "") if DEBUG else ""
