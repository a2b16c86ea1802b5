"""A drawn person who talks: the picture of the fake camera.

Flat shapes from signed distances, so that no image file, no font and no
library beyond numpy is needed. The mouth follows the loudness of the speech,
the head sways, the eyes blink, lights drift behind.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Look:
    """Colours of one person, as #rrggbb."""

    wall_top: str
    wall_bottom: str
    light: str
    skin: str
    hair: str
    shirt: str
    long_hair: bool


LOOKS = {
    "ana": Look("#2b3a67", "#b56576", "#ffb4a2", "#f1c9a5", "#3b2417", "#ede7f6", True),
    "bo": Look("#0b525b", "#99d98c", "#d9ed92", "#c68642", "#1b1b1b", "#f4a261", False),
    "chen": Look("#3c096c", "#ff8fa3", "#ffccd5", "#f6d7b8", "#111111", "#2a9d8f", True),
    "dara": Look("#14213d", "#fca311", "#ffe8b6", "#8d5524", "#241c1c", "#e5e5e5", False),
}

# Binary frame counter in the top left corner: a white and a black square as
# reference, then the bits, highest first. 16 squares span the picture's width.
COUNTER_BITS = 10
COUNTER_SQUARES = 16


class Figure:
    """Draws frames of one person at a fixed size."""

    def __init__(self, look: Look, width: int, height: int):
        self.look, self.width, self.height = look, width, height
        # Units: the picture is 2 high, (0, 0) is its centre, y points down.
        self.scale = height / 2
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self.x = (x - width / 2) / self.scale
        self.y = (y - height / 2) / self.scale
        mix = np.clip(y / height * 0.8 + x / width * 0.2, 0, 1)[..., None]
        self.wall = _rgb(look.wall_top) * (1 - mix) + _rgb(look.wall_bottom) * mix

    def frame(self, at: float, mouth: float, counter: int | None) -> bytes:
        """RGB bytes of the picture at `at` (0..1 through the loop), mouth 0..1 open."""
        self.canvas = self.wall.copy()
        turn = 2 * np.pi * at
        self._lights(turn)
        head_x = 0.05 * np.sin(turn * 2)
        head_y = -0.12 + 0.015 * np.sin(turn * 5) - 0.015 * mouth
        self._body(head_x)
        self._head(head_x, head_y, mouth, blink=(at * 7) % 1 < 0.04)
        if counter is not None:
            self._counter(counter)
        return np.clip(self.canvas, 0, 255).astype(np.uint8).tobytes()

    def _lights(self, turn: float) -> None:
        for i in range(6):
            x = -1.7 + i * 0.68 + 0.10 * np.sin(turn + i * 1.3)
            y = -0.55 + 0.35 * ((i * 7) % 5) / 5 + 0.06 * np.cos(turn * 2 + i)
            self._ellipse(x, y, 0.16 + 0.03 * (i % 3), None, self.look.light, 0.22, soft=0.10)

    def _body(self, x: float) -> None:
        look = self.look
        if look.long_hair:
            self._box(x, 0.12, 0.40, 0.52, 0.30, look.hair)
        self._box(0.3 * x, 0.98, 0.74, 0.50, 0.34, look.shirt)
        self._box(0.7 * x, 0.40, 0.11, 0.19, 0.10, _shade(look.skin, 0.86))

    def _head(self, x: float, y: float, mouth: float, blink: bool) -> None:
        look = self.look
        self._ellipse(x, y - 0.09, 0.385, 0.45, look.hair)
        self._ellipse(x, y + 0.02, 0.33, 0.43, look.skin)
        self._ellipse(x - 0.06, y - 0.36, 0.30, 0.14, look.hair)
        self._ellipse(x + 0.18, y - 0.33, 0.17, 0.12, look.hair)
        for side in (-1, 1):
            eye = x + side * 0.135
            self._ellipse(eye, y - 0.02, 0.052, 0.006 if blink else 0.042, "#ffffff")
            if not blink:
                self._ellipse(eye + 0.1 * x, y - 0.015, 0.028, None, "#22223b")
            self._box(eye, y - 0.115, 0.062, 0.011, 0.011, _shade(look.hair, 1.2))
            self._ellipse(x + side * 0.2, y + 0.12, 0.06, 0.045, "#e5646e", 0.18, soft=0.04)
        self._box(x, y + 0.075, 0.014, 0.055, 0.014, _shade(look.skin, 0.82))
        self._ellipse(x, y + 0.23, 0.10 - 0.02 * mouth, 0.018 + 0.075 * mouth, "#9d2a3c")
        if mouth > 0.15:
            self._ellipse(x, y + 0.215, 0.06, 0.02 + 0.015 * mouth, "#5c1020")

    def _counter(self, value: int) -> None:
        side = self.width // COUNTER_SQUARES
        bits = [1, 0] + [value >> bit & 1 for bit in reversed(range(COUNTER_BITS))]
        for place, bit in enumerate(bits):
            self.canvas[:side, place * side : (place + 1) * side] = 235 if bit else 20

    def _ellipse(self, x, y, rx, ry, colour, alpha=1.0, soft=0.006):
        ry = ry or rx
        window = self._window(x - rx - soft, x + rx + soft, y - ry - soft, y + ry + soft)
        reach = np.hypot((self.x[window] - x) / rx, (self.y[window] - y) / ry)
        self._blend(window, (1 - reach) * min(rx, ry), colour, alpha, soft)

    def _box(self, x, y, half_width, half_height, radius, colour):
        window = self._window(x - half_width, x + half_width, y - half_height, y + half_height)
        dx = np.maximum(np.abs(self.x[window] - x) - half_width + radius, 0)
        dy = np.maximum(np.abs(self.y[window] - y) - half_height + radius, 0)
        self._blend(window, radius - np.hypot(dx, dy), colour, 1.0, 0.006)

    def _blend(self, window, inside, colour, alpha, soft):
        cover = (np.clip(inside / soft, 0, 1) * alpha)[..., None]
        part = self.canvas[window]
        part += (_rgb(colour) - part) * cover

    def _window(self, left, right, top, bottom):
        def pixels(low, high, half, limit):
            return slice(
                int(np.clip(low * self.scale + half - 2, 0, limit)),
                int(np.clip(high * self.scale + half + 2, 0, limit)),
            )

        return (
            pixels(top, bottom, self.height / 2, self.height),
            pixels(left, right, self.width / 2, self.width),
        )


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32)


def _shade(colour: str, factor: float) -> str:
    return "#" + "".join(f"{int(min(255, value * factor)):02x}" for value in _rgb(colour))
