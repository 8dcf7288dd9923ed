"""Starting where it cannot: one clear sentence, no traceback."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.knowledge.identity import export_name
from backend.serve import refuse_taken_port
from backend.settings import EMBEDDED
from tests.conftest import data_folder
from tests.served import FOOTNOTE, Served, free_port


def serve(data_dir: Path, port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """`footnote serve`, expected to refuse."""
    names = {"FOOTNOTE_DATA_DIR": str(data_dir), "FOOTNOTE_SERVER__PORT": str(port)}
    return subprocess.run(
        [str(FOOTNOTE), "serve"], env=os.environ | names | environment, capture_output=True, text=True, timeout=60
    )


def assert_one_sentence(refused: subprocess.CompletedProcess[str], *words: str) -> None:
    assert refused.returncode == 2, refused.stderr
    said = " ".join(refused.stderr.split())
    assert "Traceback" not in said
    assert said.count(". ") <= 1, said
    for word in words:
        assert word in said, said


def test_a_taken_port_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert_one_sentence(serve(tmp_path, port), f"Port {port}", "PORT=")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no-such-host.invalid", "a\0b", ".", "x" * 300])
def test_a_host_that_is_none_of_this_machine_is_not_said_to_be_a_taken_port(host: str) -> None:
    with pytest.raises(ConfigurationError, match="host` is no address of this machine"):
        refuse_taken_port(host, free_port())


def test_beside_the_last_port_one_before_it_is_advised() -> None:
    with socket.create_server(("127.0.0.1", 65535)), pytest.raises(ConfigurationError, match="PORT=65534"):
        refuse_taken_port("127.0.0.1", 65535)


def test_a_data_folder_in_use_is_refused_with_a_sentence(served: Served) -> None:
    with served:
        assert_one_sentence(serve(served.data_dir, free_port()), "in use by a running instance", "DATA=")


def test_a_data_folder_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_one_sentence(serve(tmp_path / "file" / "data", free_port()), "cannot be written", "DATA=")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is full."""
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("only root may mount a small file system")
    (tmp_path / "fill").write_bytes(b"\0" * (1 << 20))
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_refused_with_a_sentence(small_disk: Path) -> None:
    assert_one_sentence(serve(small_disk / "data", free_port()), "cannot be written", "no space left")


def test_a_read_only_disk_is_refused_with_a_sentence(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_one_sentence(serve(small_disk / "data", free_port()), "cannot be written", "read-only")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_model_ends_it_with_a_sentence_and_exit_code_three(model_cache: Path, workers: str) -> None:
    with data_folder(model_cache) as data_dir:
        models = data_dir / "models"
        whole = models.resolve() / export_name(EMBEDDED)
        models.unlink()
        shutil.copytree(whole, models / whole.name)
        os.truncate(models / whole.name / "model.onnx", 100)
        refused = serve(data_dir, free_port(), FOOTNOTE_SERVER__WORKERS=workers)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 3, said
    assert "the service cannot start: The exported model in" in said
    assert ", line " not in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FOOTNOTE_SERVER__PROT", "server.prot"),
        ("FOOTNOTE_SERVR__PORT", "FOOTNOTE_SERVR__PORT"),
        ("FOOTNOTE_TIERS__FAST__MODLE", "modle"),
    ],
)
def test_a_typo_in_the_configuration_is_refused_by_its_name(tmp_path: Path, name: str, words: str) -> None:
    assert_one_sentence(serve(tmp_path, free_port(), **{name: "1"}), words)
