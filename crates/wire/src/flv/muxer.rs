//! Items to tags.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, FrameCodec, Item, MediaTime, Shape, TrackNumber};

use super::amf::Value;
use super::{FourCc, Role, Tag, TagKind, amf0, script};

/// Writes one stream.
///
/// H.264, AAC and MP3 go out as FLV has always had them, so that old players play
/// them; the other codecs as Enhanced RTMP has them. So does every second track of
/// a kind, as a multitrack tag. Timestamps count from the first frame.
#[derive(Debug, Default)]
pub struct Muxer {
    tracks: BTreeMap<TrackNumber, Track>,
    /// Formats came since the headers were last written.
    stale: bool,
    base: Option<MediaTime>,
    /// Of the last frame.
    timestamp: u32,
    tags: VecDeque<Tag>,
}

#[derive(Clone, Debug)]
struct Track {
    format: Arc<Format>,
    /// Its header was written in this format.
    told: bool,
}

impl Muxer {
    /// Takes an item. Then call [`Muxer::poll_tag`] until it has none.
    ///
    /// Headers go out before the first frame after a change: the formats of a
    /// stream come one by one, and the metadata in front names all of them.
    pub fn handle_item(&mut self, item: &Item) {
        match item {
            Item::Format { track, format } => {
                let known = self.tracks.get(track);
                let told = known.is_some_and(|it| it.told && it.format == *format);
                let format = format.clone();
                self.tracks.insert(*track, Track { format, told });
                self.stale |= !told;
            }
            Item::Frame { track, frame } => self.frame(*track, frame),
            Item::Data { pts, data } => {
                if let Some(body) = script::write(data) {
                    let at = self.place(*pts);
                    self.push(TagKind::Script, Role::Frame, at, &body, &[]);
                }
            }
            Item::End { track } => self.end(*track),
        }
    }

    /// The next tag.
    pub fn poll_tag(&mut self) -> Option<Tag> {
        self.tags.pop_front()
    }

    /// What a player has to get before a keyframe with which it begins: metadata
    /// and configurations, with the timestamp of the last frame.
    #[must_use]
    pub fn headers(&self) -> Vec<Tag> {
        let metadata = self.metadata();
        let configurations = self.tracks.keys().map(|number| self.configuration(*number));
        metadata
            .into_iter()
            .chain(configurations.flatten())
            .collect()
    }

    /// Whether there is sound, and whether there are pictures.
    #[must_use]
    pub fn kinds(&self) -> (bool, bool) {
        (self.has(Kind::Audio), self.has(Kind::Video))
    }

    fn has(&self, kind: Kind) -> bool {
        self.tracks
            .values()
            .any(|track| track.format.codec.kind() == kind)
    }

    fn frame(&mut self, number: TrackNumber, frame: &Frame) {
        let Some(format) = self.tracks.get(&number).map(|track| track.format.clone()) else {
            return;
        };
        self.timestamp = self.place(frame.dts);
        if self.stale {
            self.tell();
        }
        let composition = frame.pts.to_millis().saturating_sub(frame.dts.to_millis());
        let head = Head {
            codec: format.codec,
            track: self.id(number),
            key: frame.keyframe,
        };
        let kind = format.codec.kind();
        let begins = frame.keyframe && (kind == Kind::Video || !self.has(Kind::Video));
        let role = if begins { Role::KeyFrame } else { Role::Frame };
        let head = head.frame(composition);
        self.push(tag_kind(kind), role, self.timestamp, &head, &frame.data);
    }

    /// Metadata, and the configurations that changed.
    fn tell(&mut self) {
        self.stale = false;
        let metadata = self.metadata();
        self.tags.extend(metadata);
        let changed = self.tracks.iter().filter(|(_, track)| !track.told);
        let changed: Vec<_> = changed.map(|(number, _)| *number).collect();
        for number in changed {
            let tag = self.configuration(number);
            self.tags.extend(tag);
            if let Some(track) = self.tracks.get_mut(&number) {
                track.told = true;
            }
        }
    }

    fn end(&mut self, number: TrackNumber) {
        let id = self.id(number);
        let Some(track) = self.tracks.remove(&number) else {
            return;
        };
        let codec = track.format.codec;
        let head = Head {
            codec,
            track: id,
            key: true,
        };
        if track.told
            && let Some(head) = head.end()
        {
            self.push(
                tag_kind(codec.kind()),
                Role::Frame,
                self.timestamp,
                &head,
                &[],
            );
        }
    }

    fn push(&mut self, kind: TagKind, role: Role, timestamp: u32, head: &[u8], data: &[u8]) {
        // A frame of 16 MiB and more has no place in a tag.
        self.tags
            .extend(Tag::new(kind, role, timestamp, head, data));
    }

    fn configuration(&self, number: TrackNumber) -> Option<Tag> {
        let format = &self.tracks.get(&number)?.format;
        let head = Head {
            codec: format.codec,
            track: self.id(number),
            key: true,
        };
        let head = head.start()?;
        let kind = tag_kind(format.codec.kind());
        Tag::new(kind, Role::Header, self.timestamp, &head, &format.config)
    }

    /// 0 for the first track of its kind.
    fn id(&self, number: TrackNumber) -> u8 {
        let Some(track) = self.tracks.get(&number) else {
            return 0;
        };
        let kind = track.format.codec.kind();
        let before = self.tracks.range(..number);
        let before = before.filter(|(_, track)| track.format.codec.kind() == kind);
        u8::try_from(before.count()).unwrap_or(u8::MAX)
    }

    /// Milliseconds since the first frame. A frame before that one, such as sound
    /// that goes with the first picture, is moved to it.
    fn place(&mut self, time: MediaTime) -> u32 {
        let base = *self.base.get_or_insert(time);
        let millis = time.to_millis().saturating_sub(base.to_millis()).max(0);
        // Wraps after 49.7 days, as the format does.
        u32::try_from(millis & 0xffff_ffff).unwrap_or(0)
    }

    fn metadata(&self) -> Option<Tag> {
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut add = |name: &str, value: Value| members.push((name.to_owned(), value));
        let of = |kind| {
            self.tracks
                .values()
                .find(|it| it.format.codec.kind() == kind)
        };
        if let Some(track) = of(Kind::Video) {
            add("videocodecid", codec_id(track.format.codec));
            if let Shape::Video { width, height } = track.format.shape
                && width > 0
            {
                add("width", width.into());
                add("height", height.into());
            }
        }
        if let Some(track) = of(Kind::Audio) {
            add("audiocodecid", codec_id(track.format.codec));
            if let Shape::Audio { rate, channels } = track.format.shape {
                add("audiosamplerate", rate.into());
                add("audiochannels", u32::from(channels).into());
                add("audiosamplesize", 16u32.into());
                add("stereo", (channels == 2).into());
            }
        }
        add("encoder", "Surecast".into());
        let mut body = Vec::new();
        amf0::write(&"onMetaData".into(), &mut body);
        amf0::write_ecma_array(&members, &mut body);
        Tag::new(TagKind::Script, Role::Header, self.timestamp, &body, &[])
    }
}

/// What stands before the data of an audio or video tag.
struct Head {
    codec: FrameCodec,
    track: u8,
    key: bool,
}

impl Head {
    fn start(&self) -> Option<Vec<u8>> {
        if self.enhanced() {
            let mut head = self.ex(0);
            if self.codec == FrameCodec::Opus {
                head.extend(b"OpusHead");
            }
            // It has no configuration, and no packet for one.
            return (self.codec != FrameCodec::Mp3).then_some(head);
        }
        match self.codec {
            FrameCodec::H264 => Some(vec![0x17, 0, 0, 0, 0]),
            FrameCodec::Aac => Some(vec![AAC, 0]),
            _ => None,
        }
    }

    fn frame(&self, composition: i64) -> Vec<u8> {
        let composition = composition_time(composition);
        if self.enhanced() {
            let has_time = matches!(self.codec, FrameCodec::H264 | FrameCodec::H265);
            if has_time && composition != [0; 3] {
                let mut head = self.ex(1);
                head.extend(composition);
                return head;
            }
            // Without composition time, which only these two have.
            return self.ex(if has_time { 3 } else { 1 });
        }
        match self.codec {
            FrameCodec::Aac => vec![AAC, 1],
            FrameCodec::Mp3 => vec![MP3],
            _ => {
                let [c0, c1, c2] = composition;
                vec![if self.key { 0x17 } else { 0x27 }, 1, c0, c1, c2]
            }
        }
    }

    fn end(&self) -> Option<Vec<u8>> {
        if self.enhanced() {
            return Some(self.ex(2));
        }
        (self.codec == FrameCodec::H264).then(|| vec![0x17, 2, 0, 0, 0])
    }

    const fn enhanced(&self) -> bool {
        let legacy = matches!(
            self.codec,
            FrameCodec::H264 | FrameCodec::Aac | FrameCodec::Mp3
        );
        !legacy || self.track > 0
    }

    /// The header of a packet of this type.
    fn ex(&self, what: u8) -> Vec<u8> {
        let (first, multitrack) = match self.codec.kind() {
            Kind::Video => (if self.key { 0x90 } else { 0xa0 }, 6),
            Kind::Audio => (0x90, 5),
        };
        let mut head = Vec::with_capacity(10);
        if self.track == 0 {
            head.push(first | what);
        } else {
            // One track in the tag.
            head.extend([first | multitrack, what]);
        }
        head.extend(FourCc::of(self.codec).0);
        if self.track > 0 {
            head.push(self.track);
        }
        head
    }
}

/// AAC is always said to be 44.1 kHz, 16 bits, stereo (§E.4.2.1); its
/// configuration tells what it is.
const AAC: u8 = 0xaf;
const MP3: u8 = 0x2f;

/// 24 bits, signed; 2.3 hours are enough for any picture.
fn composition_time(millis: i64) -> [u8; 3] {
    let clamped = millis.clamp(-0x80_0000, 0x7f_ffff);
    let [.., c0, c1, c2] = clamped.to_be_bytes();
    [c0, c1, c2]
}

fn codec_id(codec: FrameCodec) -> Value {
    match codec {
        FrameCodec::H264 => 7u32.into(),
        FrameCodec::Aac => 10u32.into(),
        FrameCodec::Mp3 => 2u32.into(),
        other => FourCc::of(other).number().into(),
    }
}

const fn tag_kind(kind: Kind) -> TagKind {
    match kind {
        Kind::Audio => TagKind::Audio,
        Kind::Video => TagKind::Video,
    }
}
