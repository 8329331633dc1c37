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

target "stage" {
  name     = service
  matrix   = { service = ["ingest", "parse", "validate", "chunk", "index"] }
  inherits = ["python"]
  target   = "stage"
  args     = { SERVICE = service, SOURCE = "services/${service}" }
  tags     = ["medkg/${service}:${VERSION}"]
}

target "router" {
  inherits = ["python"]
  target   = "router"
  args     = { SERVICE = "router", SOURCE = "services/router" }
  tags     = ["medkg/router:${VERSION}"]
}

target "replay" {
  inherits = ["python"]
  target   = "replay"
  args     = { SERVICE = "replay", SOURCE = "services/replay", SHARED = "contracts" }
  tags     = ["medkg/replay:${VERSION}"]
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

target "opensearch" {
  context = "${CONTEXTS}/opensearch"
  args    = { VERSION = "3.6.0" }
  tags    = ["medkg/opensearch:3.6.0"]
}
