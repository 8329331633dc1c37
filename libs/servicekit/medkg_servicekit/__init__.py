"""What hosts a service: startup, logs, health, shutdown."""

from .worker import WorkerService
from .workload import Workload

__all__ = ["WorkerService", "Workload"]
