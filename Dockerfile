# syntax=docker/dockerfile:1
# The order service: one binary, SQLite linked in, on a base without shell or package manager.
#
#   docker build -t order-server .
#   docker run --rm -p 50051:50051 -v order-data:/data order-server
#   docker run --rm -p 50051:50051 -e ENVIRONMENT=production -e DATABASE_URL=... -e JWT_SECRET=... order-server

ARG RUST_VERSION=1.95.0

FROM rust:${RUST_VERSION}-slim-bookworm AS builder
WORKDIR /src
# Manifests and sources in one layer; the cache mounts below keep registry and compiled dependencies between builds,
# which needs no dummy sources and cannot leave a stale one behind.
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY proto proto
COPY order-api order-api
# Not built, but members of the workspace.
COPY neighbour-sim neighbour-sim
COPY order-bench order-bench
COPY order-core order-core
COPY order-store order-store
COPY order-server order-server
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p order-server \
    && install -D -m 0755 target/release/order-server /out/usr/local/bin/order-server \
    && install -d -m 0700 /out/data

# glibc and certificates, nothing else; its user `nonroot` is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot AS runtime
LABEL org.opencontainers.image.title="order-server" \
      org.opencontainers.image.description="A gRPC order service" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=builder /out/usr/local/bin/order-server /usr/local/bin/order-server
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/order-server/
# The data directory has to belong to the user: a new volume takes over its owner and mode.
COPY --from=builder --chown=65532:65532 /out/data /data
USER 65532:65532
ENV LISTEN_ADDR=0.0.0.0:50051 \
    OPS_ADDR=0.0.0.0:9464 \
    DATA_DIR=/data
WORKDIR /data
VOLUME ["/data"]
# gRPC (health and reflection included); health, readiness and metrics in plain HTTP.
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/order-server", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/order-server"]
