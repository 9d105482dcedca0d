"""OBS itself as the recording host: Debian's obs-studio, as it is after installation, under Xvfb.

    python -m loadtests.live_obs [--seconds 20] [--judge]

OBS gets a home of its own with server, stream key and one coloured scene; everything else is its
default, also the distance of keyframes, which it leaves to x264 (250 frames). It draws by software.
Shown: whether the lesson went live, whether OBS was ever turned out, what came, and whether the
recording is a lesson. Without obs or xvfb-run (`apt-get install obs-studio xvfb`) it says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from loadtests.client import Client
from loadtests.live_session import booked, recording, until_state
from loadtests.service import Service, running

LIVE_LIMIT_S, END_LIMIT_S = 60.0, 5.0
NAME = "Tongbu"
GLOBAL = f"""[General]
FirstRun=true
[Basic]
Profile={NAME}
ProfileDir={NAME}
SceneCollection={NAME}
SceneCollectionFile={NAME}
"""
PROFILE = f"""[General]
Name={NAME}
[Video]
BaseCX=1280
BaseCY=720
OutputCX=1280
OutputCY=720
"""
SCENES = {
    "name": NAME, "current_scene": "Scene", "current_program_scene": "Scene",
    "scene_order": [{"name": "Scene"}],
    "sources": [
        {"id": "color_source", "versioned_id": "color_source_v3", "name": "Colour",
         "settings": {"color": 0xFF0000FF, "width": 1280, "height": 720}},
        {"id": "scene", "versioned_id": "scene", "name": "Scene",
         "settings": {"items": [{"name": "Colour", "id": 1, "visible": True}]}},
    ],
}  # fmt: skip


def write_home(home: Path, server: str, key: str) -> None:
    """Write what OBS reads: where to stream, and one scene."""
    folder = home / ".config/obs-studio"
    profile = folder / "basic/profiles" / NAME
    profile.mkdir(parents=True)
    (folder / "basic/scenes").mkdir()
    (folder / "global.ini").write_text(GLOBAL)
    (profile / "basic.ini").write_text(PROFILE)
    service = {"type": "rtmp_custom", "settings": {"server": server, "key": key}}
    (profile / "service.json").write_text(json.dumps(service))
    (folder / "basic/scenes" / f"{NAME}.json").write_text(json.dumps(SCENES))


@contextmanager
def obs(server: str, key: str) -> Iterator[None]:
    """Let OBS stream until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="tongbu-obs-", ignore_cleanup_errors=True) as home:
        write_home(Path(home), server, key)
        process = subprocess.Popen(
            ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", "obs", "--startstreaming",
             "--multi", "--profile", NAME, "--collection", NAME],
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config",
                 "XDG_RUNTIME_DIR": home, "LIBGL_ALWAYS_SOFTWARE": "1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


async def figures(client: Client) -> dict[str, float]:
    """Give the ingest's figures by name."""
    async with client.http.get(f"{client.url}/metrics") as answer:
        text = await answer.text()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("tongbu_ingest_")
    }


async def bench(service: Service, seconds: float) -> bool:
    """Let OBS give a lesson; tell whether all went well."""
    async with booked(service, "用 OBS 上课") as (client, session):
        server, _, key = session.rtmp.rpartition("/")
        with obs(server, key):
            await until_state(client, session.id, "live", limit_s=LIVE_LIMIT_S)
            await asyncio.sleep(seconds)
            found = await figures(client)
            lesson = await recording(client, session.id)
    turned_out = found["tongbu_ingest_reconnects_total"]
    print("| pictures | holes | turned out | recording |\n|---|---|---|---|")
    print(
        f"| {found['tongbu_ingest_frames_total']:.0f} "
        f"| {found['tongbu_ingest_frame_gaps_total']:.0f} | {turned_out:.0f} times "
        f"| {lesson['duration_s']:.0f} s, {lesson['state']} |"
    )
    return not turned_out and lesson["duration_s"] > seconds / 2


def main(arguments: list[str]) -> int:
    """Run and print; 1 when judged and OBS was turned out."""
    parser = argparse.ArgumentParser(description="A lesson given with OBS")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--judge", action="store_true", help="exit with 1 when it went wrong")
    asked = parser.parse_args(arguments)
    missing = [name for name in ("obs", "xvfb-run") if shutil.which(name) is None]
    if missing:
        print(f"{' and '.join(missing)} not on PATH: apt-get install obs-studio xvfb")
        return int(asked.judge)
    with running() as service:
        good = asyncio.run(bench(service, asked.seconds))
    return int(asked.judge and not good)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
