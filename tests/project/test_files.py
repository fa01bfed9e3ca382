"""Files that guidelog writes: whole or not at all, private unless said otherwise, nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from guidelog.cli.main import _guidelog
from guidelog.files import locked, make_folder, replacing, scratch, write_bytes, write_text

SEED = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy" / "vignettes" / "seed.yaml"
FHIR = Path(__file__).parents[1] / "fhir" / "seed.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_files_are_private_and_old_ones_keep_their_mode(tmp_path: Path) -> None:
    old_mask = os.umask(0o022)
    try:
        write_text(tmp_path / "patient", "p")
        write_text(tmp_path / "rules", "r", private=False)
        (tmp_path / "there").write_text("old")
        (tmp_path / "there").chmod(0o640)
        write_text(tmp_path / "there", "new")
        make_folder(tmp_path / "a" / "results")
    finally:
        os.umask(old_mask)
    assert [mode(tmp_path / name) for name in ("patient", "rules", "there")] == [0o600, 0o644, 0o640]
    assert mode(tmp_path / "a" / "results") == 0o700
    assert (tmp_path / "there").read_text() == "new"


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "ahead").symlink_to("later")
    write_text(tmp_path / "link", "new")
    write_text(tmp_path / "ahead", "first")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "ahead").is_symlink()
    assert [(tmp_path / name).read_text() for name in ("real", "later")] == ["new", "first"]


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), SystemExit(143)])
def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path, problem: BaseException) -> None:
    write_text(tmp_path / "out", "old")

    def fail() -> None:
        with replacing(tmp_path / "out") as new:
            new.write_text("half")
            raise problem

    with pytest.raises(type(problem)):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "old"


def test_pipes_and_devices_are_written_as_they_stand(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write_text(fifo, "through")
    assert os.read(reader, 20) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    write_bytes(Path(os.devnull), b"x")
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "x")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "fixed").write_text("old")
    (tmp_path / "fixed").chmod(0o444)
    with pytest.raises(PermissionError):
        write_text(tmp_path / "fixed", "new")


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "out"):
        with pytest.raises(BlockingIOError, match="another run is writing it"), locked(tmp_path / "out"):
            pass
        with locked(tmp_path / "other"):
            pass
    with locked(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


HOLD = """
import sys, time
from pathlib import Path
from guidelog.files import end_on_signals, locked, replacing, scratch
end_on_signals()
with locked(Path("out")), scratch() as folder, replacing(Path("out")) as new:
    (folder / "patients.csv").write_text("p")
    print(folder, flush=True)
    time.sleep(60)
"""


def held(folder: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", HOLD], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_is_left_after_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    process, passing = held(tmp_path)
    with process:
        assert mode(passing) == 0o700
        assert passing.is_dir()
        process.send_signal(number)
        process.wait(20)
    assert process.returncode not in (0, -signal.SIGTERM)
    assert not passing.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_leaves_is_removed_by_the_next_and_locks_nobody(tmp_path: Path) -> None:
    process, passing = held(tmp_path)
    with process:
        process.kill()
        process.wait(20)
    assert passing.is_dir()
    with scratch(), locked(tmp_path / "out"):
        assert not passing.exists()
    other, alive = held(tmp_path)
    with other:
        with scratch():
            assert alive.is_dir()  # its process lives
        other.terminate()


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="needs a small file system of its own")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (small / "fill").write_bytes(b"x" * 60_000)
        made = CliRunner().invoke(_guidelog, ["diagram", "pathway", "--out", str(small / "p.png")])
        assert made.exit_code != 0
        assert "no space left" in str(made.exception or made.output).lower()
        assert [p.name for p in small.iterdir()] == ["fill"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize(
    "command",
    [
        ["certify", str(SEED), "--out"],
        ["facts", str(FHIR), "--record"],
        ["diagram", "patient", str(SEED), "--out"],
        ["interview", str(SEED), "mri_lumbar", "--out"],
    ],
)
def test_what_is_about_a_patient_is_private(tmp_path: Path, command: list[str]) -> None:
    done = CliRunner().invoke(_guidelog, [*command, str(tmp_path / "out.svg")], input="q\n")
    assert done.exit_code == 0, (done.output, done.exception)
    made = {p.name: mode(p) for p in tmp_path.iterdir()}  # a picture may have several pages
    assert "out.svg" in made
    assert set(made.values()) == {0o600}
    assert not [name for name in made if not name.endswith(".svg")]


def test_layout_keeps_links_and_modes(tmp_path: Path) -> None:
    (tmp_path / "rules.dl").write_text('.finding  f   "f"\n')
    (tmp_path / "rules.dl").chmod(0o640)
    (tmp_path / "link.dl").symlink_to("rules.dl")
    done = CliRunner().invoke(_guidelog, ["fmt", str(tmp_path / "link.dl")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "link.dl").is_symlink()
    assert (tmp_path / "rules.dl").read_text() == '.finding f "f"\n'
    assert mode(tmp_path / "rules.dl") == 0o640
    assert len(list(tmp_path.iterdir())) == 2
