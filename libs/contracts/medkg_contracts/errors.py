"""The error tree of medkg.

* MedkgError
  x ConfigurationError
    - TopologyInvalid
    - TopologyUnknown
  x InvalidInput
    - InvalidRequest
    - JobIdTaken
    - OrderRefused
    - InvalidDocument
    - InputTooLong
  x PoisonRecord
  x StageTimeout
  x ComputeTimeout
  x MemoryExceeded
  x WorkerCrashed
  x ServiceCrashed
  x GateExpired
  x GateRefused
  x ArtifactMissing
  x ArtifactCorrupt
  x ResourceUnavailable
    - KafkaUnavailable
    - LedgerUnavailable
    - IndexUnavailable
    - IndexMissing
    - SearchUnavailable
    - ArtifactStoreUnavailable
    - GraphUnavailable
    - SourceUnavailable
    - GpuUnavailable
    - ModelServerUnavailable
    - OutOfMemory
      . GpuOutOfMemory
  x SourceRefused
  x InFlightElsewhere
  x NotFound
  x Unfinished
  x NotCompleted
  x StageBug

Every class carries: a ``code`` (stable, what machines match on, and the ``error.code`` of events), whether a retry can
help (``retryable``), a ``remedy`` (what a person does next), what becomes of the job (``job_becomes``) and where the
runbooks deal with it (``runbook``). A raise gives the message.
"""

from typing import ClassVar, Literal

from .model import Contract

MAX_MESSAGE = 2000


class ErrorInfo(Contract):
    """An error as it travels in events, ledger records and dead letters.

    Attributes:
        code: one of the codes of this module's tree.
        message: what happened, in a sentence; at most 2,000 characters.
        retryable: whether doing the same again can succeed.
        remedy: what a person does about it.
    """

    code: str
    message: str
    retryable: bool
    remedy: str


class MedkgError(Exception):
    """Something failed in medkg.

    Attributes:
        job_becomes: the ledger's state of a job that ends with this error; ``unchanged`` if no job is concerned.
        runbook: page and anchor below ``docs/runbooks``.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    job_becomes: ClassVar[Literal["failed", "rejected", "unchanged"]] = "failed"
    runbook: ClassVar[str] = "failed-jobs.md#any-other-error"
    remedy: ClassVar[str] = "See the service's log for the job id."

    def __init__(self, message: str | None = None, *, remedy: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])
        self._remedy = remedy

    @property
    def info(self) -> ErrorInfo:
        """The error as data; a message may quote text that UTF-8 cannot hold, and has to travel all the same."""
        return ErrorInfo(
            code=self.code,
            message=str(self).encode("utf-8", "backslashreplace").decode()[:MAX_MESSAGE],
            retryable=self.retryable,
            remedy=self._remedy or self.remedy,
        )


class ConfigurationError(MedkgError):
    """A setting is missing or contradicts another."""

    code = "configuration"
    runbook = "failed-jobs.md#configuration"
    remedy = "Correct the setting that the message names and start again."


class TopologyInvalid(ConfigurationError):
    """A topology file was refused."""

    code = "topology_invalid"
    job_becomes = "rejected"
    runbook = "failed-jobs.md#topology"
    remedy = "Correct the file and line that the message names; `medkg topology lint` checks it."


class TopologyUnknown(ConfigurationError):
    """No topology has this name, or none takes this source."""

    code = "topology_unknown"
    job_becomes = "rejected"
    runbook = "failed-jobs.md#topology"
    remedy = "Name one that `medkg topology list` shows, or add the source to its applicable_sources."


class InvalidInput(MedkgError):
    """Data broke a rule of its contract."""

    code = "validation"
    runbook = "failed-jobs.md#bad-input"
    remedy = "Correct the input; the message names the field."


class InvalidRequest(InvalidInput):
    """A job request broke a rule."""

    code = "request_invalid"
    job_becomes = "rejected"
    remedy = "Correct the field that the message names and submit the request again."


class JobIdTaken(InvalidInput):
    """A request names the id of another job."""

    code = "job_id_taken"
    job_becomes = "unchanged"
    remedy = "Ask with another job id, or with none; the job that has this one is as it was."


class OrderRefused(InvalidInput):
    """An operator's order cannot be obeyed."""

    code = "order_refused"
    job_becomes = "unchanged"
    remedy = "Look at the job with `medkg explain`; the message says what stands against the order."


class InvalidDocument(InvalidInput):
    """A source's record cannot be read, or the document made of it breaks a rule."""

    code = "document_invalid"
    remedy = "Look at the record at its source, and at what the message names: it is damaged or of a form not known."


class InputTooLong(InvalidInput):
    """A text is longer than the model takes."""

    code = "input_too_long"
    remedy = "Cut chunks smaller (MK_CHUNK_MAX_TOKENS), or let texts be cut: MK_EMBED_TRUNCATE=true."


class PoisonRecord(MedkgError):
    """A Kafka record is not an event that medkg can read."""

    code = "poison"
    job_becomes = "unchanged"
    runbook = "dead-letters.md#poison"
    remedy = "Look at it with `medkg explain`; correct its producer. The original bytes are in the DLQ."


class StageTimeout(MedkgError):
    """A stage passed its policy's timeout."""

    code = "timeout"
    runbook = "retries.md#timeouts"
    retryable = True
    remedy = "Give the policy a longer timeout, or find what the stage waits for."


class ComputeTimeout(MedkgError):
    """A computation used its policy's timeout up, and was ended."""

    code = "compute_timeout"
    runbook = "computing.md#too-slow"
    remedy = "Look at the input for what makes it so slow; if it is honest work, give the policy a longer timeout."


class MemoryExceeded(MedkgError):
    """A computation needs more memory than a worker process may have."""

    code = "memory_exceeded"
    runbook = "computing.md#too-much-memory"
    remedy = "If the input is honest, raise MK_COMPUTE_MEMORY_MB of the stage's service, and its container's limit."


class WorkerCrashed(MedkgError):
    """A worker process ended in the middle of its work."""

    code = "worker_crashed"
    runbook = "computing.md#crashed"
    retryable = True
    remedy = "After SIGKILL give the machine or the container more memory; else report it, with the service's log."


class ServiceCrashed(MedkgError):
    """A service's process ended each time it worked on this."""

    code = "service_crashed"
    runbook = "computing.md#it-ends-the-service-each-time"
    remedy = "See the end of the service's log: after SIGKILL give it more memory, else report it, with the input."


class GateExpired(MedkgError):
    """A gate's deadline passed before its event came."""

    code = "gate_expired"
    runbook = "stuck-at-a-gate.md"
    remedy = "See why the outside system sent nothing to the gate's topic, then submit the job again."


class GateRefused(MedkgError):
    """The outside system answered a gate with a failure."""

    code = "gate_refused"
    runbook = "stuck-at-a-gate.md"
    remedy = "See the outside system's error in the message, then submit the job again."


class ArtifactMissing(MedkgError):
    """An artifact that an event refers to is not in the store."""

    code = "artifact_missing"
    runbook = "failed-jobs.md#artifacts"
    remedy = "Check that all services use one MK_ARTIFACTS_URL and that nothing deleted from it."


class ArtifactCorrupt(MedkgError):
    """An artifact's bytes do not have the digest that names them."""

    code = "artifact_corrupt"
    runbook = "failed-jobs.md#artifacts"
    remedy = "Delete the file that the message names and submit the job again."


class ResourceUnavailable(MedkgError):
    """A server that the stage needs did not answer."""

    code = "resource_unavailable"
    runbook = "retries.md#resource-unavailable"
    retryable = True
    remedy = "Check that the server runs and that its address in the settings is right."


class KafkaUnavailable(ResourceUnavailable):
    """Kafka did not answer."""

    code = "kafka_unavailable"


class LedgerUnavailable(ResourceUnavailable):
    """The ledger's Redis did not answer."""

    code = "ledger_unavailable"


class IndexUnavailable(ResourceUnavailable):
    """OpenSearch did not answer."""

    code = "index_unavailable"


class IndexMissing(ResourceUnavailable):
    """A tenant has no index: nothing of it was indexed yet, or somebody deleted its index."""

    code = "index_missing"
    remedy = (
        "Check the tenant's name. The index stage makes what is missing with the tenant's next document; documents "
        "that a deleted index held have to be run again."
    )


class SearchUnavailable(ResourceUnavailable):
    """The search service, or a part of it, did not answer."""

    code = "search_unavailable"
    remedy = "Check that the search service runs and is ready, and that MK_SEARCH_URL is its address; then ask again."


class ArtifactStoreUnavailable(ResourceUnavailable):
    """The artifact store could not be read or written."""

    code = "artifact_store_unavailable"


class GraphUnavailable(ResourceUnavailable):
    """The knowledge graph did not answer, or has troubles of its own."""

    code = "graph_unavailable"
    runbook = "neo4j.md#it-does-not-answer"
    remedy = "Check that Neo4j runs, has room on its disk, and that MK_NEO4J_URL is its address; its log says more."


class SourceUnavailable(ResourceUnavailable):
    """A source's API did not answer, or asked to wait.

    Attributes:
        retry_after: seconds that the source asked to wait, or None.
    """

    code = "source_unavailable"

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GpuUnavailable(ResourceUnavailable):
    """A stage that needs a GPU found none."""

    code = "gpu_unavailable"
    runbook = "gpu.md#no-gpu"
    remedy = "Start the service on a machine with a usable GPU, or choose MK_ACCELERATOR=cpu yourself."


class ModelServerUnavailable(ResourceUnavailable):
    """The server that runs a model did not answer."""

    code = "model_server_unavailable"
    runbook = "gpu.md#the-endpoint-does-not-answer"
    remedy = "Check that the model's server runs, and that MK_EMBED_URL, MK_SPLADE_URL or MK_EXTRACT_LLM_URL names it."


class OutOfMemory(ResourceUnavailable):
    """The memory did not suffice for a model that runs on processors."""

    code = "out_of_memory"
    runbook = "gpu.md#out-of-memory"
    remedy = "Give the service's container, or the machine, more memory, or end what else uses it."


class GpuOutOfMemory(OutOfMemory):
    """A GPU's memory did not suffice."""

    code = "gpu_out_of_memory"
    remedy = "Give the stage smaller batches or a larger GPU, or end what else uses its memory."


class SourceRefused(MedkgError):
    """A source's API answered that it does not have the item, or that the request is wrong."""

    code = "source_refused"
    runbook = "failed-jobs.md#bad-input"
    remedy = "Check the id or the query at the source's own site."


class InFlightElsewhere(MedkgError):
    """The job was still at work in the system that it was migrated from."""

    code = "in_flight_elsewhere"
    runbook = "upgrade.md#migrated-jobs"
    remedy = "Run it here: `medkg job rerun JOB --latest`."


class NotFound(MedkgError):
    """There is no such thing."""

    code = "not_found"
    job_becomes = "unchanged"
    remedy = "Look for it: `medkg status` lists the jobs."


class Unfinished(MedkgError):
    """Something did not end within the time that it was given."""

    code = "unfinished"
    job_becomes = "unchanged"
    retryable = True
    remedy = "Look at `medkg status` and `medkg explain`, or give it a longer timeout."


class NotCompleted(MedkgError):
    """A job that somebody waited for has ended, but has not completed."""

    code = "not_completed"
    job_becomes = "unchanged"
    remedy = "See why: `medkg explain JOB`."


class StageBug(MedkgError):
    """A stage raised an error that is none of medkg's: a bug in the stage."""

    code = "bug"
    runbook = "failed-jobs.md#bug"
    remedy = "Find the job id in the service's log: the stack trace is there. Report it to the stage's author."
