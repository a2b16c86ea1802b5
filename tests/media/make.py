"""Makes the fake camera and microphone of the browser tests.

    make.py FOLDER            person.mjpeg, person.wav, person.json for the tests
    make.py FOLDER --gallery  four people in 1280x720 for the screenshots

12 s that repeat without a seam: speech from espeak-ng with pauses, and a drawn
person whose mouth follows it, with a frame counter that a test can read.
Nothing is done when the files are there and no older than these scripts.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

import speech
from figure import LOOKS, Figure

SECONDS = 12
# Chromium plays every MJPEG file at 30 frames a second.
FPS = 30

VOICES = {
    "ana": ("en-us+f3", 55),
    "bo": ("en-us+m3", 40),
    "chen": ("en-gb+f4", 60),
    "dara": ("en-gb+m7", 35),
}


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--gallery"]
    if len(arguments) != 1:
        print("usage: make.py FOLDER [--gallery]", file=sys.stderr)
        raise SystemExit(2)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    if "--gallery" in sys.argv:
        for name in LOOKS:
            make(folder / name, name, 1280, 720, counted=False)
    else:
        make(folder / "person", "ana", 640, 360, counted=True)


def make(stem: Path, who: str, width: int, height: int, counted: bool) -> None:
    video, sound = stem.with_suffix(".mjpeg"), stem.with_suffix(".wav")
    if _fresh(video) and _fresh(sound):
        return
    samples = speech.speech(*VOICES[who], SECONDS)
    speech.write(samples, sound)
    partial = video.with_suffix(".part")
    encode(partial, Figure(LOOKS[who], width, height), mouth(samples), counted)
    partial.rename(video)
    print(f"made {video.name} and {sound.name}")


def encode(path: Path, figure: Figure, openings: np.ndarray, counted: bool) -> None:
    size = f"{figure.width}x{figure.height}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size]
    command += ["-r", str(FPS), "-i", "-", "-pix_fmt", "yuvj420p", "-q:v", "4", "-f", "mjpeg", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        for number, opening in enumerate(openings):
            at = number / len(openings)
            ffmpeg.stdin.write(figure.frame(at, float(opening), number if counted else None))
        ffmpeg.stdin.close()
        if ffmpeg.wait() != 0:
            raise SystemExit("ffmpeg could not write the fake camera's file")


def mouth(samples: np.ndarray) -> np.ndarray:
    """How far the mouth is open, 0..1, for each frame of the loop."""
    loud = speech.envelope(samples)
    loud = np.clip(loud / np.quantile(loud[loud > 0.02], 0.9), 0, 1)
    times = np.arange(SECONDS * FPS) / FPS
    opened = np.interp(times, np.arange(len(loud)) / 50, loud)
    return np.convolve(np.tile(opened, 3), np.ones(3) / 3, "same")[len(opened) : 2 * len(opened)]


def _fresh(path: Path) -> bool:
    scripts = Path(__file__).parent.glob("*.py")
    return path.exists() and all(path.stat().st_mtime > script.stat().st_mtime for script in scripts)


if __name__ == "__main__":
    main()
