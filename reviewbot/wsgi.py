"""Entry of the web server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from reviewbot import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewbot.settings")
application = get_wsgi_application()
logs.speak(settings.LOG_LEVEL)
