//! The packets of one picture to its data.

use bytes::Bytes;
use surecast_media::frame::{Format, FrameCodec, MediaTime};
use surecast_media::{opus, vp8 as vp8_stream};

use super::{RtpIn, av1, h264, h265, vp8, vp9};

/// Packets of one picture: a keyframe of 4 MiB in packets of 1 KiB. One that is
/// larger is left out.
const MAX_PACKETS: usize = 4096;

/// Bytes of one picture: far above the largest keyframes in practice (1 to 2 MB
/// in 4K).
const MAX_BYTES: usize = 8 << 20;

/// The packets of one picture in order and without holes.
#[derive(Debug, Default)]
pub(super) struct Unit {
    packets: Vec<RtpIn>,
    bytes: usize,
}

impl Unit {
    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
    }

    /// Timestamp and capture time of its first packet.
    pub(super) fn begin(&self) -> Option<(u32, MediaTime)> {
        self.packets.first().map(|it| (it.timestamp, it.pts))
    }

    pub(super) fn timestamp(&self) -> Option<u32> {
        self.packets.first().map(|it| it.timestamp)
    }

    /// False where it is too much: then nothing of it is left.
    pub(super) fn push(&mut self, packet: RtpIn) -> bool {
        self.bytes += packet.payload.len();
        if self.packets.len() == MAX_PACKETS || self.bytes > MAX_BYTES {
            self.clear();
            return false;
        }
        self.packets.push(packet);
        true
    }

    /// Their payloads, none of them empty.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.packets.iter().map(|packet| &packet.payload[..])
    }
}

/// One picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// As in a frame; empty where there was nothing but parameter sets.
    pub(super) data: Bytes,
    pub(super) keyframe: bool,
    /// Of a keyframe, as far as it is known.
    pub(super) format: Option<Format>,
}

/// What is remembered between the pictures of one codec.
#[derive(Debug)]
pub(super) enum Assembler {
    H264(h264::Sets),
    H265(h265::Sets),
    Av1,
    Vp8,
    Vp9,
    Opus,
    None,
}

impl Assembler {
    pub(super) fn new(codec: FrameCodec) -> Self {
        match codec {
            FrameCodec::H264 => Self::H264(h264::Sets::default()),
            FrameCodec::H265 => Self::H265(h265::Sets::default()),
            FrameCodec::Av1 => Self::Av1,
            FrameCodec::Vp8 => Self::Vp8,
            FrameCodec::Vp9 => Self::Vp9,
            FrameCodec::Opus => Self::Opus,
            FrameCodec::Aac | FrameCodec::Mp3 => Self::None,
        }
    }

    /// `None` where the packets do not make up a picture.
    pub(super) fn assemble(&mut self, unit: &Unit) -> Option<Picture> {
        match self {
            Self::H264(sets) => sets.assemble(unit),
            Self::H265(sets) => sets.assemble(unit),
            Self::Av1 => av1::assemble(unit),
            Self::Vp8 => {
                let data = vp8::assemble(unit)?;
                Some(Picture {
                    keyframe: vp8_stream::is_key_frame(&data),
                    format: vp8_stream::format_from_keyframe(&data),
                    data,
                })
            }
            Self::Vp9 => vp9::assemble(unit),
            Self::Opus => assemble_opus(unit),
            Self::None => None,
        }
    }
}

/// One packet is one frame. How many channels it has its receiver decides (RFC
/// 7587 §4.1: a decoder for two can take all there is).
fn assemble_opus(unit: &Unit) -> Option<Picture> {
    let packet = unit.payloads().next()?;
    opus::packet_samples(packet)?;
    Some(Picture {
        data: Bytes::copy_from_slice(packet),
        keyframe: true,
        format: Some(opus::format(opus::RATE, 2, 0)),
    })
}
