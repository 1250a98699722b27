# Two images from one file: `web` answers pages and schedules, `worker` also applies, checks and cross-builds.
# Both run as an ordinary user and need nothing writable but /var/lib/reviewbot and /tmp.
FROM debian:bookworm-20250520-slim AS base
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends ca-certificates git python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/reviewbot reviewbot
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REVIEWBOT_VAR=/var/lib/reviewbot

FROM base AS requirements
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv
COPY requirements.txt constraints.txt /tmp/
RUN python3 -m venv /opt/venv && pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt

FROM base AS web
COPY --from=requirements /opt/venv /opt/venv
WORKDIR /srv/reviewbot
COPY manage.py LICENSE ./
COPY reviewbot reviewbot
COPY threads threads
USER reviewbot
EXPOSE 8000
CMD ["gunicorn", "--config", "python:reviewbot.serving", "reviewbot.wsgi", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/tmp"]

FROM web AS worker
USER root
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends \
        bc bison bubblewrap ccache flex gcc gcc-aarch64-linux-gnu libc6-dev libelf-dev libssl-dev make perl xz-utils \
    && rm -rf /var/lib/apt/lists/*
USER reviewbot
CMD ["python3", "manage.py", "worker"]
