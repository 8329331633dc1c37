"""The Python SDK: what a script, a notebook or a service does with a deployment, as objects."""

from .batch import Batch, BatchCounts
from .client import Client, connect
from .events import Event
from .job import Job

__all__ = ["Batch", "BatchCounts", "Client", "Event", "Job", "connect"]
