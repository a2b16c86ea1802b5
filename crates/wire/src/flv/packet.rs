//! The bodies of audio and video tags: legacy ones (§E.4.2.1, §E.4.3.1) and those
//! of Enhanced RTMP v2 (*Enhanced Audio*, *Enhanced Video*).

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::FrameCodec;

use super::{Cursor, FlvError, FourCc};

/// What a tag brings for one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The track's id; 0 where the tag names none.
    pub track: u8,
    /// Its codec.
    pub codec: FrameCodec,
    /// What it brings.
    pub part: Part,
    /// The encoder says that decoders can start here.
    pub keyframe: bool,
    /// Milliseconds from decoding to showing; may be negative.
    pub composition: i32,
    /// To be added to the timestamp, in nanoseconds, less than a millisecond.
    pub nanos: u32,
    /// The configuration or the frame, in the form in which the codec's
    /// specification has it.
    pub data: Bytes,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A decoder's configuration.
    Start,
    /// A frame.
    Frame,
    /// Nothing more comes.
    End,
}

/// More tracks in one tag are ignored: as many as a stream may have.
const MAX_IN_TAG: usize = 32;

mod ex {
    //! Packet types. Audio and video share the numbers of those that both have.
    pub(super) const START: u8 = 0;
    pub(super) const FRAMES: u8 = 1;
    pub(super) const END: u8 = 2;
    pub(super) const VIDEO_FRAMES_X: u8 = 3;
    pub(super) const VIDEO_MULTITRACK: u8 = 6;
    pub(super) const AUDIO_MULTITRACK: u8 = 5;
    pub(super) const MOD_EX: u8 = 7;
    /// Of multitrack: one track in the tag.
    pub(super) const ONE_TRACK: u8 = 0;
    /// Several, of one codec.
    pub(super) const MANY_TRACKS: u8 = 1;
    /// Several, each with its codec.
    pub(super) const MANY_CODECS: u8 = 2;
}

/// Reads the body of a video tag. What is for others (metadata, commands, MPEG-2
/// TS configurations) yields nothing; so does an empty body.
///
/// # Errors
/// Cut, damaged, or of a codec that is not taken.
pub fn parse_video(body: Bytes) -> Result<Vec<Packet>, FlvError> {
    const COMMAND: u8 = 5;
    let mut input = Cursor::new(body);
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let first = input.u8("video tag")?;
    let frame_type = first >> 4 & 0x07;
    let keyframe = frame_type == 1;
    if first & 0x80 != 0 {
        return enhanced(
            Kind::Video,
            first & 0x0f,
            frame_type == COMMAND,
            keyframe,
            input,
        );
    }
    if frame_type == COMMAND {
        return Ok(Vec::new());
    }
    let codec = match first & 0x0f {
        7 => FrameCodec::H264,
        // Never standardised, but what many encoders send.
        12 => FrameCodec::H265,
        2 => return Err(FlvError::Unsupported("Sorenson H.263".into())),
        3 | 6 => return Err(FlvError::Unsupported("screen video".into())),
        4 | 5 => return Err(FlvError::Unsupported("VP6".into())),
        other => return Err(FlvError::Unsupported(format!("video codec {other}"))),
    };
    let part = match input.u8("AVC packet type")? {
        0 => Part::Start,
        1 => Part::Frame,
        2 => Part::End,
        _ => return Err(FlvError::Damaged("unknown AVC packet type")),
    };
    let composition = if part == Part::End {
        0
    } else {
        input.i24("composition time")?
    };
    Ok(vec![Packet {
        track: 0,
        codec,
        part,
        keyframe,
        composition,
        nanos: 0,
        data: input.rest(),
    }])
}

/// Reads the body of an audio tag; see [`parse_video`].
///
/// # Errors
/// Cut, damaged, or of a codec that is not taken.
pub fn parse_audio(body: Bytes) -> Result<Vec<Packet>, FlvError> {
    const ENHANCED: u8 = 9;
    let mut input = Cursor::new(body);
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let first = input.u8("audio tag")?;
    let (codec, part) = match first >> 4 {
        ENHANCED => return enhanced(Kind::Audio, first & 0x0f, false, true, input),
        10 => match input.u8("AAC packet type")? {
            0 => (FrameCodec::Aac, Part::Start),
            1 => (FrameCodec::Aac, Part::Frame),
            _ => return Err(FlvError::Damaged("unknown AAC packet type")),
        },
        2 | 14 => (FrameCodec::Mp3, Part::Frame),
        other => return Err(FlvError::Unsupported(legacy_audio(other))),
    };
    Ok(vec![Packet {
        track: 0,
        codec,
        part,
        keyframe: true,
        composition: 0,
        nanos: 0,
        data: input.rest(),
    }])
}

fn legacy_audio(format: u8) -> String {
    match format {
        0 | 3 => "PCM".into(),
        1 => "ADPCM".into(),
        4..=6 => "Nellymoser".into(),
        7 | 8 => "G.711".into(),
        11 => "Speex".into(),
        other => format!("audio format {other}"),
    }
}

fn enhanced(
    kind: Kind,
    first: u8,
    command: bool,
    keyframe: bool,
    mut input: Cursor,
) -> Result<Vec<Packet>, FlvError> {
    let (mut what, nanos) = mod_ex(first, &mut input)?;
    if command {
        return Ok(Vec::new());
    }
    let multitrack = match kind {
        Kind::Video => ex::VIDEO_MULTITRACK,
        Kind::Audio => ex::AUDIO_MULTITRACK,
    };
    let mut several = None;
    if what == multitrack {
        let byte = input.u8("multitrack type")?;
        what = byte & 0x0f;
        several = Some(byte >> 4);
        if what == multitrack || what == ex::MOD_EX || byte >> 4 > ex::MANY_CODECS {
            return Err(FlvError::Damaged("multitrack type"));
        }
    }
    let form = Form {
        kind,
        what,
        keyframe,
        nanos,
    };
    tracks(form, several, input)
}

/// Passes over modifiers; the one that is known is a finer timestamp. Every one
/// takes bytes, so their number needs no bound.
fn mod_ex(mut what: u8, input: &mut Cursor) -> Result<(u8, u32), FlvError> {
    const TIMESTAMP_OFFSET_NANO: u8 = 0;
    let mut nanos = 0;
    while what == ex::MOD_EX {
        let mut len = usize::from(input.u8("modifier")?) + 1;
        if len == 256 {
            len = usize::from(input.u16("modifier")?) + 1;
        }
        let data = input.take(len, "modifier")?;
        let byte = input.u8("modifier")?;
        if byte >> 4 == TIMESTAMP_OFFSET_NANO
            && let Some(&[n0, n1, n2]) = data.first_chunk::<3>()
        {
            nanos = u32::from_be_bytes([0, n0, n1, n2]).min(999_999);
        }
        what = byte & 0x0f;
    }
    Ok((what, nanos))
}

#[derive(Clone, Copy)]
struct Form {
    kind: Kind,
    what: u8,
    keyframe: bool,
    nanos: u32,
}

fn tracks(form: Form, several: Option<u8>, mut input: Cursor) -> Result<Vec<Packet>, FlvError> {
    let Some(how) = several else {
        let codec = four_cc(&mut input)?;
        return Ok(form.packet(0, codec, input)?.into_iter().collect());
    };
    let mut common = None;
    if how != ex::MANY_CODECS {
        common = Some(four_cc(&mut input)?);
    }
    if how == ex::ONE_TRACK {
        let track = input.u8("track")?;
        let codec = common.ok_or(FlvError::Damaged("multitrack type"))?;
        return Ok(form.packet(track, codec, input)?.into_iter().collect());
    }
    let mut packets = Vec::new();
    while !input.is_empty() && packets.len() < MAX_IN_TAG {
        let codec = match common {
            Some(codec) => codec,
            None => four_cc(&mut input)?,
        };
        let track = input.u8("track")?;
        let len = usize::try_from(input.u24("size of a track")?).unwrap_or(usize::MAX);
        let body = Cursor::new(input.take(len, "track")?);
        packets.extend(form.packet(track, codec, body)?);
    }
    debug_assert!(how == ex::MANY_TRACKS || how == ex::MANY_CODECS);
    Ok(packets)
}

fn four_cc(input: &mut Cursor) -> Result<FourCc, FlvError> {
    Ok(FourCc(input.u32("codec")?.to_be_bytes()))
}

impl Form {
    fn packet(
        self,
        track: u8,
        codec: FourCc,
        mut input: Cursor,
    ) -> Result<Option<Packet>, FlvError> {
        let part = match self.what {
            ex::START => Part::Start,
            ex::FRAMES => Part::Frame,
            ex::VIDEO_FRAMES_X if self.kind == Kind::Video => Part::Frame,
            ex::END => Part::End,
            // Metadata, channel maps, configurations of MPEG-2 TS, and what is new.
            _ => return Ok(None),
        };
        let codec = codec.codec()?;
        if codec.kind() != self.kind {
            return Err(FlvError::Damaged("a codec of the other kind"));
        }
        let mut composition = 0;
        if self.what == ex::FRAMES && matches!(codec, FrameCodec::H264 | FrameCodec::H265) {
            composition = input.i24("composition time")?;
        }
        Ok(Some(Packet {
            track,
            codec,
            part,
            keyframe: self.keyframe,
            composition,
            nanos: self.nanos,
            data: input.rest(),
        }))
    }
}
