# syntax=docker/dockerfile:1
# One image for every part: `api`, `worker`, `migrate`, `bootstrap`, `doctor`, `sandbox`. Python and
# Debian are those that the tests run on.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY deploy/requirements.lock ./
RUN python -m venv /opt/innkeeper \
 && /opt/innkeeper/bin/pip install --no-cache-dir --disable-pip-version-check \
      --require-hashes --no-deps --only-binary :all: -r requirements.lock \
 && /opt/innkeeper/bin/pip uninstall --yes --quiet pip
COPY . /app
RUN /opt/innkeeper/bin/python -m compileall -q /app /opt/innkeeper/lib

FROM python:3.11-slim-bookworm
# Pango writes the PDFs of documents; without it only they are missing.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin innkeeper
COPY --from=build /opt/innkeeper /opt/innkeeper
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/innkeeper/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    INNKEEPER_API_HOST=0.0.0.0 \
    INNKEEPER_WORKER_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["python", "-m", "cli.main"]
CMD ["api"]
