"""The model server as a command, as the measurements start it."""

import subprocess
import sys

import httpx

from tests.bench import STAMP


def test_it_answers_at_the_pace_and_with_the_stamps_that_were_asked_for() -> None:
    options = ["--tokens", "5", "--tokens-per-second", "100", "--stamped"]
    command = [sys.executable, "-m", "tests.model_server", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": "How loud?"}]}
        try:
            answer = httpx.post(f"{url}/chat/completions", json=body)
        finally:
            server.terminate()
    sent = [float(moment) for moment in STAMP.findall(answer.content)]
    assert len(sent) == 5
    assert sent[-1] - sent[0] >= 0.03
    assert answer.text.rstrip().endswith("[DONE]")
