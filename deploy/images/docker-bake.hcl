# All images in one build, so that what they share is done once. build.sh sets the variables.
variable "VERSION" {}
variable "REVISION" {}
variable "PYTHON_IMAGE" {}
variable "BUILD_IMAGE" {}
variable "CA" {}
variable "CONTEXTS" {}

target "python" {
  dockerfile = "deploy/images/Dockerfile"
  secret     = CA == "" ? [] : ["id=ca,src=${CA}"]
  args = {
    PYTHON_IMAGE = PYTHON_IMAGE
    BUILD_IMAGE  = BUILD_IMAGE
    VERSION      = VERSION
    REVISION     = REVISION
  }
}

target "service" {
  name   = item.service
  matrix = {
    item = [
      # derived: services, by `make derive`
      { service = "chunk", target = "dense", shared = "stagekit", package = "medkg-chunk", module = "medkg_chunk" },
      { service = "embed", target = "dense", shared = "stagekit", package = "medkg-embed", module = "medkg_embed" },
      { service = "extract", target = "extract", shared = "stagekit", package = "medkg-extract", module = "medkg_extract" },
      { service = "index", target = "stage", shared = "stagekit", package = "medkg-index", module = "medkg_index" },
      { service = "ingest", target = "stage", shared = "stagekit", package = "medkg-ingest", module = "medkg_ingest" },
      { service = "kg", target = "stage", shared = "stagekit", package = "medkg-kg", module = "medkg_kg" },
      { service = "parse", target = "stage", shared = "stagekit", package = "medkg-parse", module = "medkg_parse" },
      { service = "replay", target = "replay", shared = "servicekit", package = "medkg-replay", module = "medkg_replay" },
      { service = "router", target = "router", shared = "stagekit", package = "medkg-router", module = "medkg_router" },
      { service = "search", target = "search", shared = "servicekit", package = "medkg-search-service", module = "medkg_search_service" },
      { service = "splade", target = "splade", shared = "stagekit", package = "medkg-splade", module = "medkg_splade" },
      { service = "validate", target = "stage", shared = "stagekit", package = "medkg-validate", module = "medkg_validate" },
      # end: services
    ]
  }
  inherits = ["python"]
  target   = item.target
  args = {
    SERVICE     = item.service
    SOURCE      = "services/${item.service}"
    PACKAGE     = item.package
    SHARED      = item.shared
    MODULE      = item.module
    DENSE_MODEL = contains(["dense", "search"], item.target) ? "medkg/dense-model:latest" : "scratch"
  }
  tags     = ["medkg/${item.service}:${VERSION}"]
}

target "cli" {
  inherits = ["python"]
  target   = "cli"
  args     = { SERVICE = "cli", SOURCE = "libs/cli" }
  tags     = ["medkg/cli:${VERSION}"]
}

target "redis" {
  context = "deploy/images/redis"
  args    = { VERSION = "7.0.15" }
  tags    = ["medkg/redis:7.0.15"]
}

target "kafka" {
  context = "${CONTEXTS}/kafka"
  args    = { VERSION = "4.3.1" }
  tags    = ["medkg/kafka:4.3.1"]
}

target "neo4j" {
  context = "${CONTEXTS}/neo4j"
  args    = { VERSION = "2026.08.1" }
  tags    = ["medkg/neo4j:2026.08.1"]
}

target "opensearch" {
  context = "${CONTEXTS}/opensearch"
  args    = { VERSION = "3.6.0" }
  tags    = ["medkg/opensearch:3.6.0"]
}
