//! Sound that is not decoded in the process becomes samples, by an `ffmpeg`:
//! AAC with more than two channels, HE-AAC in full, MP3.

use std::collections::VecDeque;
use std::path::Path;

use bytes::Bytes;
use surecast_audio::{Pcm, RATE};
use surecast_media::aac::{AudioSpecificConfig, adts};
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};

use super::Error;
use super::child::{Child, Event};

/// What comes out.
pub(super) const CHANNELS: u8 = 2;

/// Frames that may be on their way through the child: over a second. With more,
/// it has lost some, and their times would be wrong.
const MAX_UNDER_WAY: usize = 64;

/// A child that decodes, to two channels at 48 kHz.
pub(super) struct OutsideDecoder {
    child: Child,
    /// `None`: the frames have headers of their own.
    adts: Option<AudioSpecificConfig>,
    /// Samples a second and in a frame of the input.
    rate: u32,
    length: u64,
    /// When the frames under way are heard, and up to which sample of the output.
    under_way: VecDeque<(MediaTime, u64)>,
    given: u64,
    taken: u64,
    buffer: Vec<u8>,
}

/// What it did.
pub(super) enum Decoded {
    /// It made these.
    Pieces(Vec<Pcm>),
    /// It ended, and said this.
    Ended(String),
}

impl OutsideDecoder {
    /// Starts one for frames of this format.
    pub(super) fn start(ffmpeg: &Path, format: &Format) -> Result<Self, Error> {
        let unsupported = || Error::Unsupported(format.codec, FrameCodec::Opus);
        let (demuxer, config) = match format.codec {
            FrameCodec::Aac => {
                let config = AudioSpecificConfig::parse(&format.config);
                ("aac", Some(config.ok_or_else(unsupported)?))
            }
            FrameCodec::Mp3 => ("mp3", None),
            _ => return Err(unsupported()),
        };
        let arguments = format!(
            "-probesize 4096 -analyzeduration 0 -f {demuxer} -i pipe:0 \
             -threads 1 -ar {RATE} -ac {CHANNELS} -flush_packets 1 -f f32le pipe:1"
        );
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        Ok(Self {
            child: Child::start(ffmpeg, &arguments)?,
            rate: config.map_or(RATE, |config| config.rate),
            length: config.map_or(1152, |config| u64::from(config.frame_len)),
            adts: config,
            under_way: VecDeque::new(),
            given: 0,
            taken: 0,
            buffer: Vec::new(),
        })
    }

    /// Gives it a frame. False: it does not keep up, or has lost its place.
    pub(super) fn give(&mut self, frame: &Frame) -> bool {
        let mut bytes = Vec::with_capacity(frame.data.len() + adts::HEADER_LEN);
        if let Some(config) = &self.adts {
            let Some(header) = adts::header(config, frame.data.len()) else {
                return true;
            };
            bytes.extend_from_slice(&header);
        } else if let Some((rate, length)) = mp3(&frame.data) {
            (self.rate, self.length) = (rate, length);
        }
        bytes.extend_from_slice(&frame.data);
        let end = self.given
            + (self.length * u64::from(RATE) + u64::from(self.rate) / 2) / u64::from(self.rate);
        self.given = end;
        self.under_way.push_back((frame.pts, end));
        self.child.give(&bytes) && self.under_way.len() <= MAX_UNDER_WAY
    }

    /// What it does next. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Decoded {
        match self.child.next().await {
            Event::Output(bytes) => Decoded::Pieces(self.pieces(&bytes)),
            Event::Ended(words) => Decoded::Ended(words),
        }
    }

    fn pieces(&mut self, bytes: &[u8]) -> Vec<Pcm> {
        const INSTANT: usize = 4 * CHANNELS as usize;
        self.buffer.extend_from_slice(bytes);
        let mut used = 0;
        let mut pieces = Vec::new();
        while let Some((at, end)) = self.under_way.front() {
            let length = usize::try_from(end - self.taken).unwrap_or(0) * INSTANT;
            let Some(bytes) = self.buffer.get(used..used + length) else {
                break;
            };
            let (samples, _) = bytes.as_chunks::<4>();
            let samples = samples
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            pieces.push(Pcm {
                at: *at,
                channels: CHANNELS,
                samples,
            });
            (used, self.taken) = (used + length, *end);
            self.under_way.pop_front();
        }
        self.buffer.drain(..used);
        pieces
    }
}

/// Samples a second and in the frame, from its header (ISO/IEC 11172-3 §2.4.1.3,
/// ISO/IEC 13818-3 §2.4.2.3).
fn mp3(frame: &Bytes) -> Option<(u32, u64)> {
    let [0xff, version, rates, ..] = **frame else {
        return None;
    };
    let rate = *[44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))?;
    match version >> 3 & 3 {
        3 => Some((rate, 1152)),
        2 => Some((rate / 2, 576)),
        0 => Some((rate / 4, 576)),
        _ => None,
    }
}
