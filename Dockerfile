# The image of the action. It also serves by itself:
#     docker run --rm -v "$PWD:/w" -w /w slogate run slo.yaml
#
# The base images are arguments, so that mirrors and local images can stand in:
#     docker build --build-arg BASE_IMAGE=registry.example/alpine:3.22 .
# Nothing here needs BuildKit.
ARG GO_IMAGE=golang:1.26-alpine
ARG BASE_IMAGE=alpine:3.22

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
# What the usual program lacks, each for a fifth or a quarter of its size.
ARG TAGS="grpc kubernetes"
RUN CGO_ENABLED=0 go build -trimpath -tags "${TAGS}" -ldflags "-s -w -X main.release=${VERSION}" -o /slogate .

# Not "scratch": runners that live in Kubernetes start an action's container
# through sh, env and tail, and copy files with tar and find. BusyBox has them.
FROM ${BASE_IMAGE}
# A base without a package manager brings its own certificates and time zones.
RUN if command -v apk > /dev/null; then apk add --no-cache ca-certificates tzdata; fi
COPY --from=build /slogate /slogate
# The program is process 1 and handles SIGINT and SIGTERM itself. No USER: the
# runner needs root to write into its mounted folders.
ENTRYPOINT ["/slogate"]
CMD ["--help"]
