# kith in two stages: a builder with the compiler, and a small image with the program alone.

FROM rust:1-bookworm AS builder
WORKDIR /src
# The SQL is checked against the committed .sqlx, not against a database.
ENV SQLX_OFFLINE=true
COPY . .
# Downloads and compiled dependencies stay in the builder's cache from one build to the next.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin kith \
    && cp target/release/kith /usr/local/bin/kith

FROM debian:bookworm-slim
# The authorities that Web Push trusts.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --home-dir /var/lib/kith kith
COPY --from=builder /usr/local/bin/kith /usr/local/bin/kith
USER kith
# Where `.kith/` goes: media, mail written to files, and keys made in the dev profile.
WORKDIR /var/lib/kith
VOLUME /var/lib/kith
# A container is reached from outside of it. 9090 shows metrics to others in its network; it is not exposed, so
# that nobody publishes it by chance.
# Whoever runs it for themselves says KITH_ENV=dev, as docker-compose.yml does: in front of people nothing is made up.
ENV KITH_ENV=production KITH_ADDR=0.0.0.0:8080 KITH_OPS_ADDR=0.0.0.0:9090
EXPOSE 8080
# The image has no curl, and bash can speak to a port by itself.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=5 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["kith"]
CMD ["serve"]
