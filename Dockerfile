# Built in one stage, run in another: no compiler, no package manager's leftovers, no root.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
WORKDIR /app
COPY requirements.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: -r requirements.txt
COPY . .
# The packages stay where they are and are named in the environment; what that took is removed again.
RUN pip --python /opt/venv/bin/python install --no-deps --no-build-isolation --editable . \
 && pip --python /opt/venv/bin/python uninstall --yes hatchling editables trove-classifiers pathspec pluggy \
 && /opt/venv/bin/python -m compileall -q /app /opt/venv/lib

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Chargehand" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin chargehand \
 && install --directory --owner=chargehand --group=chargehand --mode=0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CHARGEHAND_DATA_DIR=/data \
    CHARGEHAND_HTTP_HOST=0.0.0.0 \
    CHARGEHAND_OCPP_HOST=0.0.0.0
USER chargehand
WORKDIR /data
VOLUME /data
EXPOSE 8080 9000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + (os.environ.get('CHARGEHAND_HTTP_PORT') or '8080') + '/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["chargehand"]
CMD ["run"]
