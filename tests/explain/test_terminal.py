"""The interview as a person has it: in a terminal, question by question."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explaining import KB

SEED = KB / "vignettes" / "seed.yaml"


class Talk:
    """The program at the other end of a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process, self.terminal, self.heard = process, terminal, ""

    def until(self, text: str, seconds: float = 60) -> str:
        """What is on the screen since the last time, up to a text that has to come."""
        end = time.monotonic() + seconds
        while text not in self.heard:
            assert time.monotonic() < end, f"`{text}` did not come, but: {self.heard}"
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.heard += os.read(self.terminal, 4096).decode()
                except OSError:  # the program has closed its end
                    assert text in self.heard, self.heard
        shown, _, self.heard = self.heard.partition(text)
        return shown + text

    def say(self, text: str) -> None:
        os.write(self.terminal, text.encode())


@contextmanager
def talk(out: Path) -> Iterator[Talk]:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "guidelog.cli", "interview", str(SEED), "-g", str(KB), "--out", str(out)]
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as process:
        os.close(theirs)
        try:
            yield Talk(process, ours)
        finally:
            process.kill()
            os.close(ours)


def test_a_question_waits_for_its_reply_and_the_record_is_written(tmp_path: Path) -> None:
    out = tmp_path / "done.yaml"
    with talk(out) as person:
        shown = person.until("q stop] ")
        assert "every red flag" in shown
        assert "4. saddle anaesthesia" in shown
        assert not out.exists()
        person.say("what\n")
        person.until("numbers such as")
        person.until("q stop] ")
        person.say("4\n")
        shown = person.until("written to")
        assert "MRI of the lumbar spine: urgent" in shown
        assert "1 question answered" in shown
        assert person.process.wait(30) == 0
    assert "saddle_anesthesia: present" in out.read_text(encoding="utf-8")


def test_end_of_input_keeps_what_was_said(tmp_path: Path) -> None:
    out = tmp_path / "done.yaml"
    with talk(out) as person:
        person.until("q stop] ")
        person.say("o\n")
        person.until("q stop] ")
        person.say("n\n")
        person.until("q stop] ")
        person.say("\x04")  # Ctrl-D
        person.until("written to")
        assert person.process.wait(30) == 0
    assert "urinary_retention: absent" in out.read_text(encoding="utf-8")


def test_an_interrupt_ends_without_a_record(tmp_path: Path) -> None:
    out = tmp_path / "done.yaml"
    with talk(out) as person:
        person.until("q stop] ")
        person.process.send_signal(2)
        person.until("interrupted")
        assert person.process.wait(30) == 130
    assert not out.exists()
