FROM rust:1.95-slim-bookworm AS build
# librdkafka, OpenSSL and jemalloc are built from their crates' own source: a C and C++ compiler,
# make and perl are all they need.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make perl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Pages of 64 KiB are what some kernels of arm64 have; an allocator built for them runs with others too.
ARG TARGETARCH
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    if [ "$TARGETARCH" = arm64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi \
    && cargo build --release --locked -p logwake \
    && strip --strip-debug -o /usr/local/bin/logwake target/release/logwake

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home logwake
COPY --from=build /usr/local/bin/logwake /usr/local/bin/logwake
USER 10001:10001
EXPOSE 9464
# The image has bash and no curl. In Kubernetes use httpGet probes on /healthz and /readyz instead.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["logwake"]
CMD ["run", "-c", "/etc/logwake/logwake.toml"]
