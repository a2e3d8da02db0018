"""What is installed runs from where it is installed, and the units are as systemd wants them."""
import os
import pathlib
import shutil
import subprocess

import pytest

import kit
from test_local import Local

BUILD = kit.BIN.parent


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], check=True,
                   stdout=subprocess.DEVNULL, env=dict(os.environ, DESTDIR=str(folder)))
    return folder


def test_a_task_runs_from_the_installed_programs(image, tmp_path, monkeypatch):
    monkeypatch.setattr("test_local.TEPUI", image / "usr/bin/tepui")
    local = Local(tmp_path / "c")
    try:
        local.wait_ready()
        done = subprocess.run([image / "usr/bin/tepui-execute", "--master=" + local.master,
                               "--name=hello", "--command=true"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "TASK_FINISHED" in done.stdout
        daemons = {name: os.readlink("/proc/%d/exe" % pid) for pid, name in local.others().items()
                   if name in ("tepui-master", "tepui-agent")}
        assert daemons == {name: str(image / "usr/sbin" / name)
                           for name in ("tepui-master", "tepui-agent")}
    finally:
        local.end()
        kit.until(lambda: not local.others(), 60, "the end of all processes")


def test_what_the_units_name_is_there(image):
    units = sorted((image / "usr/lib/systemd/system").iterdir())
    assert [u.name for u in units] == [
        "tepui-agent.service", "tepui-containers.service", "tepui-master.service"]
    for unit in units:
        for line in unit.read_text().splitlines():
            key, _, value = line.partition("=")
            if key == "Documentation":
                for place in value.split():
                    assert (image / place.removeprefix("file:/")).is_file(), place
            if key == "ExecStart" and "tepui" in value:
                assert os.access(image / value.lstrip("/"), os.X_OK), value
            if key == "Environment" and "LAUNCHER_DIR" in value:
                folder = image / value.split("=")[1].lstrip("/")
                assert (folder / "tepui-containerizer").is_file()


def test_systemd_finds_nothing_wrong_with_the_units(image):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    units = (image / "usr/lib/systemd/system").glob("*.service")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units],
                          capture_output=True, text=True, timeout=120)
    # The programs are not below /usr itself here.
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if "is not executable: No such file" not in line]
    assert said == []
