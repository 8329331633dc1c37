"""The topic catalogue. The key of every record but a vector's is the job id."""

REQUESTS = "jobs.requests.v1"
CONTROL = "jobs.control.v1"
EVENTS = "orchestration.events.v1"
ROUTER_DLQ = "router.dlq.v1"

#: Every document's vectors; compacted. A search node's view is made of it (`changelog`).
VECTORS = "vectors.changelog.v1"

#: Consumer group of the router.
ROUTER_GROUP = "medkg.router"


def queue(stage: str) -> str:
    """The topic on which the router asks the stage's service for work."""
    return f"{stage}.queue.v1"


def done(stage: str) -> str:
    """The topic on which the stage's service, or an outside system, says that it ended."""
    return f"{stage}.done.v1"


def dlq(stage: str) -> str:
    """The topic that keeps what the stage's service could not process."""
    return f"{stage}.dlq.v1"


def group(stage: str) -> str:
    """The consumer group of the stage's service."""
    return f"medkg.{stage}"
