# The image of the action. It also serves by itself:
#     docker run --rm -v "$PWD:/w" -w /w slogate run slo.yaml
#
# The base images are arguments, so that mirrors, local images and digests can
# stand in (release.yml gives the digests that it found, and the image names its
# base in a label):
#     docker build --build-arg BASE_IMAGE=registry.example/alpine:3.22 .
# Nothing here needs BuildKit. With it, other platforms are built without being
# emulated: all that runs does so on the machine's own.
ARG GO_IMAGE=golang:1.26-alpine
ARG BASE_IMAGE=alpine:3.22

# hadolint ignore=DL3029
FROM --platform=${BUILDPLATFORM:-linux} ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
ARG COMMIT=
# What the usual program lacks, each for a fifth or a quarter of its size.
ARG TAGS="grpc kubernetes"
# Empty without BuildKit: the machine's own.
ARG TARGETARCH=
RUN CGO_ENABLED=0 GOARCH=${TARGETARCH} go build -trimpath -tags "${TAGS}" -ldflags "-s -w -X main.release=${VERSION} -X main.commit=${COMMIT}" -o /slogate .

# Time zones are the same on every platform, each once. A base without a package
# manager brings its own, and its own certificates, which Alpine has.
# hadolint ignore=DL3029
FROM --platform=${BUILDPLATFORM:-linux} ${BASE_IMAGE} AS zones
# hadolint ignore=DL3018
RUN if command -v apk > /dev/null; then apk add --no-cache tzdata || exit; fi; \
    mkdir -p /usr/share/zoneinfo && rm -rf /usr/share/zoneinfo/posix /usr/share/zoneinfo/right

# Not "scratch": runners that live in Kubernetes start an action's container
# through sh, env and tail, and copy files with tar and find. BusyBox has them.
FROM ${BASE_IMAGE}
COPY --from=zones /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /slogate /slogate
ARG VERSION=
ARG COMMIT=
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="slogate" \
      org.opencontainers.image.description="A performance gate for pull requests" \
      org.opencontainers.image.source="https://github.com/slogate/slogate" \
      org.opencontainers.image.documentation="https://github.com/slogate/slogate/blob/main/docs/action.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
# The program is process 1 and handles SIGINT and SIGTERM itself. No USER: the
# runner needs root to write into its mounted folders.
ENTRYPOINT ["/slogate"]
CMD ["--help"]
