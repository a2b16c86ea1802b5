//! A stream that FFmpeg encoded.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use bytes::Bytes;
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};
use surecast_media::{av1, h264, h265, nal, vp8, vp9};

/// Pictures in a file, 30 a second.
pub const FRAMES: usize = 30;

/// Python of the virtual environment that `cargo xtask test` makes.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cache/venv/bin/python");

/// FFmpeg 9 where the tests' Python has it, for AV1 in RTP.
static NINE: LazyLock<Option<String>> = LazyLock::new(|| {
    let find = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
    let of = |python: &str| {
        let found = Command::new(python).args(["-c", find]).output().ok()?;
        let path = String::from_utf8(found.stdout).ok()?;
        (found.status.success()).then(|| path.trim().to_owned())
    };
    of(PYTHON).or_else(|| of("python3"))
});

/// Whether FFmpeg knows AV1 in RTP.
pub fn knows_av1() -> bool {
    NINE.is_some()
}

/// FFmpeg 9 where there is one; else what there is.
pub fn ffmpeg() -> Command {
    let mut command = Command::new(NINE.as_deref().unwrap_or("ffmpeg"));
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    command
}

pub struct File {
    pub codec: FrameCodec,
    pub path: PathBuf,
}

impl File {
    pub fn encode(codec: FrameCodec, arguments: &[&str]) -> Self {
        let suffix = match codec {
            FrameCodec::H264 => "h264",
            FrameCodec::H265 => "hevc",
            _ => "ivf",
        };
        let name = format!("surecast-rtp-{}-{codec}.{suffix}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let made = ffmpeg()
            .args([
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=320x180:r=30",
                "-pix_fmt",
                "yuv420p",
            ])
            .args(["-frames:v", &FRAMES.to_string()])
            .args(arguments)
            .arg(&path)
            .status();
        assert!(
            made.is_ok_and(|it| it.success()),
            "ffmpeg has to encode {codec}"
        );
        Self { codec, path }
    }

    /// Checksums of its pictures.
    pub fn pictures(&self) -> Vec<String> {
        let decoded = ffmpeg()
            .arg("-i")
            .arg(&self.path)
            .args(["-f", "framemd5", "-"])
            .output()
            .expect("ffmpeg decodes");
        checksums(&decoded.stdout)
    }

    pub fn frames(&self) -> (Format, Vec<Frame>) {
        let file = std::fs::read(&self.path).expect("what ffmpeg wrote");
        let units: Vec<(Option<Format>, bool, Bytes)> = match self.codec {
            FrameCodec::H264 => pictures(&file, Slice::h264)
                .iter()
                .map(|units| {
                    let unit = h264::access_unit(units.iter().copied());
                    let format = h264::format(&slices(&unit.sps), &slices(&unit.pps));
                    (format, unit.keyframe, unit.data)
                })
                .collect(),
            FrameCodec::H265 => pictures(&file, Slice::h265)
                .iter()
                .map(|units| {
                    let unit = h265::access_unit(units.iter().copied());
                    let [vps, sps, pps] = [&unit.vps, &unit.sps, &unit.pps].map(|it| slices(it));
                    (h265::format(&vps, &sps, &pps), unit.keyframe, unit.data)
                })
                .collect(),
            _ => ivf(&file)
                .into_iter()
                .map(|frame| self.frame(frame))
                .collect(),
        };
        let format = units[0].0.clone().expect("a format");
        let frames = (0i64..).zip(units).map(|(at, (_, keyframe, data))| Frame {
            dts: MediaTime::from_ticks(at, 30),
            pts: MediaTime::from_ticks(at, 30),
            keyframe,
            data,
        });
        (format, frames.collect())
    }

    fn frame(&self, frame: &[u8]) -> (Option<Format>, bool, Bytes) {
        let data = Bytes::copy_from_slice(frame);
        match self.codec {
            FrameCodec::Av1 => {
                let data = av1::temporal_unit(av1::obus(frame));
                let header = av1::sequence_header(&data);
                let format = header.and_then(|it| av1::format_from_sequence_header(it.whole));
                (format, av1::is_key_temporal_unit(&data), data)
            }
            FrameCodec::Vp8 => (
                vp8::format_from_keyframe(frame),
                vp8::is_key_frame(frame),
                data,
            ),
            _ => (
                vp9::format_from_keyframe(frame),
                vp9::is_key_frame(frame),
                data,
            ),
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The last column of what the muxer `framemd5` writes.
pub fn checksums(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| Some(line.rsplit_once(',')?.1.trim().to_owned()))
        .collect()
}

fn slices(sets: &[Bytes]) -> Vec<&[u8]> {
    sets.iter().map(AsRef::as_ref).collect()
}

/// The NAL units of each picture: of which kind a unit is, `slice` tells.
fn pictures(file: &[u8], slice: impl Fn(&[u8]) -> Slice) -> Vec<Vec<&[u8]>> {
    let mut pictures: Vec<Vec<&[u8]>> = Vec::new();
    let mut before = Vec::new();
    for unit in nal::annex_b(file) {
        match slice(unit) {
            Slice::None => before.push(unit),
            Slice::First => {
                before.push(unit);
                pictures.push(std::mem::take(&mut before));
            }
            Slice::Other => pictures.last_mut().expect("a first slice").push(unit),
        }
    }
    pictures
}

enum Slice {
    None,
    First,
    Other,
}

impl Slice {
    /// The first bit behind the header is set in the first slice of a picture, in
    /// both codecs.
    const fn of(is_slice: bool, behind: u8) -> Self {
        match (is_slice, behind & 0x80 != 0) {
            (false, _) => Self::None,
            (true, true) => Self::First,
            (true, false) => Self::Other,
        }
    }

    fn h264(unit: &[u8]) -> Self {
        Self::of(matches!(unit[0] & 0x1f, 1..=5), unit[1])
    }

    fn h265(unit: &[u8]) -> Self {
        Self::of(h265::unit_type(unit[0]) < 32, unit[2])
    }
}

fn ivf(file: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut rest = &file[32..];
    while let Some((head, tail)) = rest.split_first_chunk::<12>() {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let (frame, tail) = tail.split_at(usize::try_from(len).expect("a length"));
        frames.push(frame);
        rest = tail;
    }
    frames
}
