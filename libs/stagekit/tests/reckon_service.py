"""A stage service that computes, for tests, run as a process: `Reckoner`, with one quick place and two aside."""

import os

from computing import Reckoner  # it stands beside this program; a worker has to be able to import it
from medkg_contracts.settings import Settings
from medkg_stagekit import Compute, StageService

if __name__ == "__main__":
    StageService(os.environ["ECHO_NAME"], Reckoner, Settings, compute=Compute(processes=1, slow=2)).run()
