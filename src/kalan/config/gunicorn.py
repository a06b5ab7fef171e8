"""How gunicorn serves Kalan: few processes, several threads each. Read by ``-c python:…``."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

from django.conf import settings

from kalan.base import workers as processes
from kalan.base.errors import Refused
from kalan.config import restoring

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = settings.KALAN_WEB_PROCESSES
threads = settings.KALAN_WEB_THREADS
worker_class = "gthread"
# Nothing may draw a chart before the fork (a forked V8 hangs): the application only imports.
preload_app = True
timeout = 120  # an upload over 2G
graceful_timeout = 20
keepalive = 15
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - RAM, so that a slow disk does not look like a dead process
control_socket_disable = True
accesslog = None  # kalan.base.logs writes one line per request
logconfig_dict = settings.LOGGING


def on_starting(server: Any) -> None:
    """Serve nothing while database and files may not go together."""
    try:
        restoring.refuse()
    except Refused as refused:
        sys.exit(str(refused))


def when_ready(server: Any) -> None:
    """Hold a lock while serving: a restore must not pull the database from under the site.

    What the application has imported is left out of garbage collection in the processes that
    serve: a tenth of their time, and pages of memory that they go on sharing.
    """
    processes.identity()
    gc.collect()
    gc.freeze()
