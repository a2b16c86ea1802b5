"""A participant on the PyPI package `livekit`, told what to do by a test.

Commands come as JSON lines on stdin, {"id", "do", ...}; answers go as JSON
lines to stdout, {"id", "value"} or {"id", "error"}. peer.js speaks the same.
"""

import asyncio
import json
import sys
import traceback

import numpy as np
from livekit import rtc

WIDTH, HEIGHT, FPS = 640, 360, 15
# The frame counter of tests/media/figure.py.
COUNTER_BITS, SQUARE = 10, WIDTH // 16
RATE, TONE_HZ = 48_000, 440
# 20 ms, as the test's envelope has it.
WINDOW = RATE // 50


class Peer:
    def __init__(self) -> None:
        self.room = rtc.Room()
        self.views: dict[str, dict] = {}
        self.loudness: dict[str, list[float]] = {}
        self.data: list[dict] = []
        self.texts: list[dict] = []
        self.tasks: set[asyncio.Task] = set()
        self.room.on("track_subscribed", self._on_track)
        self.room.on("data_received", self._on_data)
        self.room.register_text_stream_handler("notes", self._on_text)

    async def join(self, url: str, token: str, single: bool) -> str:
        await self.room.connect(url, token, rtc.RoomOptions(single_peer_connection=single))
        me = self.room.local_participant
        me.register_rpc_method("greet", self._greet)
        return me.sid

    async def publish(self) -> list[str]:
        """A moving picture with the frame counter, and a tone."""
        video, audio = rtc.VideoSource(WIDTH, HEIGHT), rtc.AudioSource(RATE, 1)
        self._start(self._film(video))
        self._start(self._hum(audio))
        me = self.room.local_participant
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
        camera = rtc.LocalVideoTrack.create_video_track("camera", video)
        seen = await me.publish_track(camera, options)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", audio)
        heard = await me.publish_track(microphone, options)
        return [seen.sid, heard.sid]

    async def seen(self, identity: str) -> dict | None:
        return self.views.get(identity)

    async def heard(self, identity: str) -> list[float]:
        return self.loudness.get(identity, [])

    async def received(self) -> dict:
        return {"data": self.data, "texts": self.texts}

    async def people(self) -> list[str]:
        return list(self.room.remote_participants)

    async def send_data(self, data: list[int], reliable: bool, topic: str) -> None:
        await self.room.local_participant.publish_data(bytes(data), reliable=reliable, topic=topic)

    async def send_text(self, text: str) -> None:
        await self.room.local_participant.send_text(text, topic="notes")

    async def call(self, identity: str, payload: str) -> str:
        return await self.room.local_participant.perform_rpc(
            destination_identity=identity, method="greet", payload=payload
        )

    async def leave(self) -> None:
        await self.room.disconnect()

    async def _greet(self, call: rtc.RpcInvocationData) -> str:
        return f"{call.payload}, {call.caller_identity}"

    def _on_track(self, track, publication, participant) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self._start(self._watch(track, participant.identity))
        else:
            self._start(self._listen(track, participant.identity))

    def _on_data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant else None
        reliable = packet.kind == rtc.DataPacketKind.KIND_RELIABLE
        self.data.append({"from": sender, "topic": packet.topic, "reliable": reliable, "bytes": list(packet.data)})

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        async def read() -> None:
            self.texts.append({"from": identity, "text": await reader.read_all()})

        self._start(read())

    async def _watch(self, track: rtc.Track, identity: str) -> None:
        view = {"frames": 0, "width": 0, "height": 0, "counters": []}
        self.views[identity] = view
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.I420):
            frame = event.frame
            luma = np.frombuffer(frame.data, np.uint8, frame.width * frame.height)
            view["frames"] += 1
            view["width"], view["height"] = frame.width, frame.height
            view["counters"].append(read_counter(luma.reshape(frame.height, frame.width)))

    async def _listen(self, track: rtc.Track, identity: str) -> None:
        loudness = self.loudness[identity] = []
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16).astype(np.float64) / 32768
            loudness.append(round(float(np.sqrt((samples**2).mean())), 5))

    async def _film(self, source: rtc.VideoSource) -> None:
        loop = asyncio.get_running_loop()
        start, number = loop.time(), 0
        while True:
            picture = draw(number)
            source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture.tobytes()))
            number += 1
            await asyncio.sleep(max(0.0, start + number / FPS - loop.time()))

    async def _hum(self, source: rtc.AudioSource) -> None:
        at = 0
        while True:
            wave = np.sin(2 * np.pi * TONE_HZ * np.arange(at, at + WINDOW) / RATE) * 8000
            at += WINDOW
            # Waits by itself when the queue of the source is full.
            await source.capture_frame(rtc.AudioFrame(wave.astype(np.int16).tobytes(), RATE, 1, WINDOW))

    def _start(self, work) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            traceback.print_exception(task.exception(), file=sys.stderr)


def draw(number: int) -> np.ndarray:
    """Stripes that wander, with the counter in the corner."""
    columns = (np.arange(WIDTH) + 8 * number) // 32 % 2
    picture = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    picture[:, :, 0] = np.where(columns, 200, 60)
    picture[:, :, 1] = (number * 5) % 200
    picture[:, :, 2] = np.linspace(40, 220, HEIGHT, dtype=np.uint8)[:, None]
    bits = [1, 0] + [number % 360 >> bit & 1 for bit in reversed(range(COUNTER_BITS))]
    for place, bit in enumerate(bits):
        picture[:SQUARE, place * SQUARE : (place + 1) * SQUARE, :3] = 235 if bit else 20
    return picture


def read_counter(luma: np.ndarray) -> int:
    side = luma.shape[1] / 16
    level = [int(luma[int(side / 2), int((place + 0.5) * side)]) for place in range(2 + COUNTER_BITS)]
    white, black = level[:2]
    if white - black < 80:
        return -1
    value = 0
    for brightness in level[2:]:
        value = value * 2 + int(brightness > (white + black) / 2)
    return value


async def main() -> None:
    peer = Peer()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        answer = {"id": command.pop("id")}
        try:
            answer["value"] = await getattr(peer, command.pop("do"))(**command)
        except Exception as error:
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


asyncio.run(main())
