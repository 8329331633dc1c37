"""Settings that every service reads from the environment (prefix ``MK_``) or from ``.env``."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the servers are. A service's own settings derive from this.

    Attributes:
        kafka: bootstrap servers, ``host:port`` separated by commas.
        redis_url: the ledger's Redis.
        artifacts_url: the artifact store: ``file:///an/absolute/path``.
        topologies: the folder with ``pipelines/*.yaml`` and ``policies.yaml``.
        log_level: of the JSON log on standard error.
        metrics_host: the address that ``/metrics`` and the health checks listen on; ``0.0.0.0`` in a container.
        metrics_port: of ``/metrics``, ``/livez`` and ``/readyz``; 0 takes a free one.
    """

    model_config = SettingsConfigDict(env_prefix="MK_", env_file=".env", env_file_encoding="utf-8-sig", extra="ignore")

    kafka: str = "127.0.0.1:9092"
    redis_url: str = "redis://127.0.0.1:6379/0"
    artifacts_url: str = f"file://{Path.cwd()}/.medkg/artifacts"
    topologies: Path = Path("topologies")
    log_level: str = "INFO"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0

    def addresses(self) -> dict[str, str]:
        """Where the servers and the artifacts are, as a service is told it by its environment."""
        named = ("kafka", "redis_url", "artifacts_url")
        return {f"MK_{name.upper()}": str(getattr(self, name)) for name in named}
