"""Speech with pauses, and the envelope that a listener is checked against."""

import json
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

RATE = 48_000
# One value of the envelope per this many samples: 20 ms, the length of an Opus frame.
WINDOW = RATE // 50

# (pause before the sentence in seconds, sentence). The pauses differ, so that
# the pattern fits the heard sound at one offset only.
SENTENCES = [
    (0.35, "Good evening and welcome."),
    (0.90, "Can you hear me?"),
    (0.55, "Every frame that you see carries a number."),
    (1.30, "Wonderful."),
    (0.70, "Let us begin the show."),
]


def speech(voice: str, pitch: int, seconds: float) -> np.ndarray:
    """`seconds` of mono speech in -1..1 at 48 kHz, the rest of the time silent."""
    parts = []
    for pause, sentence in SENTENCES:
        parts.append(np.zeros(int(pause * RATE)))
        parts.append(_say(sentence, voice, pitch))
    spoken = np.concatenate(parts)
    total = int(seconds * RATE)
    if len(spoken) > total:
        raise SystemExit(
            f"the sentences take {len(spoken) / RATE:.1f} s, more than the {seconds} s of the file"
        )
    return np.concatenate([spoken, np.zeros(total - len(spoken))])


def envelope(samples: np.ndarray) -> np.ndarray:
    """Root mean square per window of 20 ms."""
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    return np.sqrt((windows**2).mean(axis=1))


def write(samples: np.ndarray, path: Path) -> None:
    """A 16-bit mono WAV file, and beside it the envelope as JSON."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    values = [round(float(value), 5) for value in envelope(samples)]
    path.with_suffix(".json").write_text(json.dumps({"windowMs": 20, "rms": values}))


def _say(sentence: str, voice: str, pitch: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        subprocess.run(
            ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", "150", "-w", spoken, sentence],
            check=True,
        )
        raw = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", spoken, "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    samples = np.frombuffer(raw, "<i2").astype(np.float64) / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[loud[0] : loud[-1] + 1]
    return samples / np.abs(samples).max() * 0.6
