//! Frames to RTP payloads.

mod av1;
mod h264;
mod h265;
mod vp8;
mod vp9;

use std::sync::Arc;

use surecast_media::av1 as av1_stream;
use surecast_media::frame::{Format, Frame, FrameCodec, Shape};
use surecast_media::nal;

/// No payload is made smaller: below this nothing is left beside the headers.
const MIN_MTU: usize = 64;
/// Nor larger: lengths in AV1 take two bytes up to here, and no network carries
/// more in one packet.
const MAX_MTU: usize = 16_000;

/// Payload of one RTP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// As it goes behind the RTP header.
    pub bytes: Arc<[u8]>,
    /// Marker bit: the last packet of a picture. Never set on audio, where it
    /// would begin a talk spurt (RFC 7587 §4.1).
    pub marker: bool,
}

/// Cuts the frames of one track into payloads.
///
/// In H.264 (RFC 6184 packetization mode 1), H.265 (RFC 7798, without decoding
/// order numbers), AV1 (RTP Payload Format For AV1), VP8 (RFC 7741), VP9 (RFC
/// 9628, non-flexible mode) and Opus (RFC 7587). Pictures go in decoding order:
/// WebRTC shows them in that order, so a stream must not have B-frames.
#[derive(Clone, Debug)]
pub struct Packetizer {
    mtu: usize,
    codec: FrameCodec,
    /// What a decoder needs before a key frame, and frames do not carry:
    /// parameter sets, or the sequence header.
    prelude: Vec<Vec<u8>>,
    /// Running number of pictures, of which VP8 and VP9 carry 15 bits.
    picture: u16,
    size: Option<(u32, u32)>,
}

impl Packetizer {
    /// For frames of this format; `mtu` is how many bytes a payload may have
    /// (64 to 16,000 are used). An Opus packet is never cut, however long.
    #[must_use]
    pub fn new(format: &Format, mtu: usize) -> Self {
        let mut packetizer = Self {
            mtu: mtu.clamp(MIN_MTU, MAX_MTU),
            codec: format.codec,
            prelude: Vec::new(),
            picture: 0,
            size: None,
        };
        packetizer.handle_format(format);
        packetizer
    }

    /// The frames go on in this format, from a keyframe on. Numbers of pictures
    /// go on as well, where the codec is the same.
    pub fn handle_format(&mut self, format: &Format) {
        self.codec = format.codec;
        self.prelude = match format.codec {
            FrameCodec::H264 | FrameCodec::H265 => {
                let sets = nal::parameter_sets(format);
                sets.iter().map(|set| set.to_vec()).collect()
            }
            FrameCodec::Av1 => {
                let header = av1_stream::sequence_header_of_config(&format.config);
                header.map(|obu| obu.whole.to_vec()).into_iter().collect()
            }
            _ => Vec::new(),
        };
        self.size = match format.shape {
            Shape::Video { width, height } => Some((width, height)),
            Shape::Audio { .. } => None,
        };
    }

    /// The payloads of one frame, in order. None for an empty frame, and for
    /// codecs that rooms do not carry.
    pub fn packetize(&mut self, frame: &Frame) -> Vec<Payload> {
        if frame.data.is_empty() {
            return Vec::new();
        }
        let mut out = Output {
            mtu: self.mtu,
            payloads: Vec::with_capacity(frame.data.len() / self.mtu + 2),
        };
        let prelude: &[Vec<u8>] = if frame.keyframe { &self.prelude } else { &[] };
        match self.codec {
            FrameCodec::H264 => h264::packetize(prelude, &frame.data, &mut out),
            FrameCodec::H265 => h265::packetize(prelude, &frame.data, &mut out),
            FrameCodec::Av1 => av1::packetize(prelude, frame, &mut out),
            FrameCodec::Vp8 => vp8::packetize(self.picture, &frame.data, &mut out),
            FrameCodec::Vp9 => vp9::packetize(self.picture, self.size, frame, &mut out),
            FrameCodec::Opus => out.push(&[], &frame.data),
            FrameCodec::Aac | FrameCodec::Mp3 => {}
        }
        self.picture = self.picture.wrapping_add(1) & 0x7fff;
        if self.codec != FrameCodec::Opus
            && let Some(last) = out.payloads.last_mut()
        {
            last.marker = true;
        }
        out.payloads
    }
}

/// Payloads of one frame as they are made.
struct Output {
    mtu: usize,
    payloads: Vec<Payload>,
}

impl Output {
    fn push(&mut self, head: &[u8], body: &[u8]) {
        let bytes = if head.is_empty() {
            body.into()
        } else {
            [head, body].concat().into()
        };
        self.payloads.push(Payload {
            bytes,
            marker: false,
        });
    }
}

/// Cuts `data` into pieces of at most `most` bytes (> 0), all about equally
/// long: the last packet of a frame is as likely to be lost as the others, so it
/// may as well carry its share.
fn pieces(data: &[u8], most: usize) -> impl Iterator<Item = Piece<'_>> {
    let count = data.len().div_ceil(most.max(1)).max(1);
    let size = data.len().div_ceil(count).max(1);
    let total = data.len().div_ceil(size);
    data.chunks(size).enumerate().map(move |(at, data)| Piece {
        data,
        first: at == 0,
        last: at + 1 == total,
    })
}

struct Piece<'a> {
    data: &'a [u8],
    first: bool,
    last: bool,
}
