//! How long parts, segments and playlists are.

/// Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a part should be. It becomes a whole number of frames.
    pub part: i64,
    /// A segment ends at the first keyframe after so long.
    pub segment: i64,
    /// A segment ends without a keyframe after so long, where none has been seen
    /// earlier that tells how far they are apart.
    pub longest: i64,
    /// How far back a playlist reaches: how far a viewer can go back.
    pub window: i64,
    /// Media kept at most, in bytes: less of the window where the stream has more.
    pub bytes: usize,
}

impl Default for Settings {
    /// 200 ms, 2 s, 10 s; a window of 30 s, which is 15 segments: enough for
    /// players without low latency, which begin three segments from the end. 128
    /// MiB are this window, twice, at 17 Mbps.
    fn default() -> Self {
        Self {
            part: 200_000,
            segment: 2_000_000,
            longest: 10_000_000,
            window: 30_000_000,
            bytes: 128 << 20,
        }
    }
}

impl Settings {
    /// Within what makes sense: parts of 20 ms to 2 s; segments of at least two
    /// parts and at most a minute.
    pub(super) fn sane(mut self) -> Self {
        self.part = self.part.clamp(20_000, 2_000_000);
        self.segment = self.segment.clamp(2 * self.part, 60_000_000);
        self.longest = self.longest.clamp(self.segment, 120_000_000);
        self.window = self.window.clamp(3 * self.segment, 30 * 86_400_000_000);
        self.bytes = self.bytes.max(1 << 20);
        self
    }
}
