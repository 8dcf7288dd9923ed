"""The Ray cluster that an ingestion works on: the one at RAY_ADDRESS, or one of this machine's own."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import ConfigurationError, Unavailable
from backend.processes import usable_cores

ADDRESS = "RAY_ADDRESS"
ANSWER_S = 5.0
STORE = 512 << 20  # bytes of shared memory for what travels between the processes of a cluster of our own

MISSING = "`--engine ray` needs Ray: pip install 'footnote[ray]'"
CLIENT = f"{ADDRESS} is host:port of the cluster's head, without ://: run the command on a machine of the cluster."
UNREACHABLE = f"No Ray cluster answers at {ADDRESS}: start it, correct the address, or unset it to use this machine."
UNFIT = (
    f"The Ray cluster at {ADDRESS} cannot be joined: this machine must be one of its nodes (`ray start --address=…`), "
    "with the same versions of Python and Ray."
)
UNSTARTED = "Ray cannot be started on this machine: `ray start --head` says why."

NO_REPORTS = {"RAY_USAGE_STATS_ENABLED": "0"}
# Every port on loopback, which the first of these means on any system, and none of them for the machine's other users.
PRIVATE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


@contextmanager
def cluster(folder: str) -> Iterator[None]:
    """Connects this process to the cluster; one of our own ends with the block, and writes into `folder` only.

    Raises `ConfigurationError` where Ray is not installed or this machine is no part of the cluster, `Unavailable`
    where there is none.
    """
    address = os.environ.get(ADDRESS)
    os.environ.update(NO_REPORTS)
    if address:
        refuse_silence(address)
    else:
        os.environ.update(PRIVATE, RAY_AUTH_TOKEN=secrets.token_hex(32))
    try:
        import ray
    except ImportError as error:
        raise ConfigurationError(MISSING) from error
    try:
        _join(address, folder)
        yield
    finally:
        ray.shutdown()


def refuse_silence(address: str) -> None:
    """Raises where nobody listens at the address: Ray would try for two minutes.

    `ConfigurationError` for what is no host and port, `Unavailable` where nobody answers.
    """
    host, _, port = address.rpartition(":")
    if "://" in address:
        raise ConfigurationError(CLIENT)
    if not port.isdecimal():  # `auto`, and whatever else Ray knows
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise Unavailable(UNREACHABLE) from error


def _join(address: str | None, folder: str) -> None:
    import ray

    try:
        if address:
            ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
        else:
            ray.init(
                "local", num_cpus=usable_cores(), object_store_memory=STORE, include_dashboard=False,
                logging_level=logging.ERROR, log_to_driver=False, _temp_dir=folder,
            )  # fmt: skip
    except Exception as error:  # Ray raises whatever its parts do
        raise ConfigurationError(UNFIT if address else UNSTARTED) from error
