//! One track towards one subscriber.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::format::{Codec as StrCodec, PayloadParams};
use str0m::media::{Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo, Ssrc, Vp8Descriptor, Vp8Patch};
use surecast_media::codec::Codec;
use surecast_media::control::{Demand, Kind, Quality};
use surecast_media::id::TrackId;
use surecast_media::{red, vp8};

use crate::dependency_descriptor;
use crate::flow::{Flow, Pauses, Seen, Sent};
use crate::rewrite::{Incoming, Rewriter, Vp8Continuity};
use crate::track::Format;

/// Packets kept for retransmission per outgoing track: at 600 packets a second
/// (about 5 Mbps) more than one second, which is longer than a receiver waits for
/// any.
///
/// There is no cap on the share of retransmissions: what the estimator probes
/// with are retransmissions too, and after a probe the cap would drop those that
/// a client asked for. What a client asks for is held to the estimate by the
/// pacer.
const SEND_BUFFER: usize = 1000;

/// As long as the library keeps them by itself.
const SEND_BUFFER_AGE: Duration = Duration::from_secs(3);

/// A packet on its way to the subscribers of its track.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    pub(crate) track: TrackId,
    pub(crate) rendition: usize,
    pub(crate) format: Format,
    /// Extended sequence number.
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: Ssrc,
    pub(crate) pt: Pt,
    pub(crate) marker: bool,
    pub(crate) extensions: ExtensionValues,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) arrived: Instant,
    pub(crate) captured: Instant,
    pub(crate) keyframe: bool,
}

/// The subscriber's end of a track.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) track: TrackId,
    pub(crate) kind: Kind,
    /// `a=msid` stream id.
    pub(crate) stream_id: String,
    /// `TR_…`
    pub(crate) sid: String,
    pub(crate) demand: Demand,
    /// Section that carries it, once there is one.
    pub(crate) mid: Option<Mid>,
    /// The section is agreed upon: packets may go.
    pub(crate) ready: bool,
    /// First packet went out.
    pub(crate) live: bool,
    /// Which encoding (codec) this subscriber can take.
    pub(crate) encoding: usize,
    /// Not above this rendition: what the downlink allows.
    pub(crate) cap: Quality,
    /// Rendition to be sent.
    pub(crate) target: Option<usize>,
    /// Rendition being sent.
    pub(crate) current: Option<(usize, Ssrc)>,
    pub(crate) flow: Flow,
    tx: Option<Ssrc>,
    /// The stream whose buffer for retransmissions was set up.
    buffered: Option<Ssrc>,
    outgoing: Option<(Pt, Option<OutgoingFormat>)>,
    rewriter: Rewriter,
    vp8: Vp8Continuity,
}

/// Where an outgoing stream stands, for the next track that goes on with it.
#[derive(Debug)]
pub(crate) struct Continuity {
    rewriter: Rewriter,
    vp8: Vp8Continuity,
    buffered: Option<Ssrc>,
}

/// How a format of the publisher is sent to this subscriber.
#[derive(Clone, Copy, Debug)]
struct OutgoingFormat {
    pt: Pt,
    /// Take the primary block out of RFC 2198.
    strip_red: bool,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Handed to the connection.
    Sent,
    /// Handed to the connection, and it was the first.
    First,
    /// Handed to the connection, and it flows again.
    Flows,
    /// Handed to the connection; nothing came before it for so long that it
    /// froze.
    Froze {
        /// The last frame before.
        from: Instant,
    },
    /// Not for this subscriber now.
    Skipped,
    /// The subscriber negotiated no such codec.
    Unsupported,
}

impl Subscription {
    pub(crate) fn new(
        track: TrackId,
        kind: Kind,
        stream_id: String,
        sid: String,
        demand: Demand,
        first_seq: u16,
        pauses: Pauses,
    ) -> Self {
        Self {
            track,
            flow: Flow::new(pauses),
            kind,
            stream_id,
            sid,
            demand,
            mid: None,
            ready: false,
            live: false,
            encoding: 0,
            cap: Quality::High,
            target: None,
            current: None,
            tx: None,
            buffered: None,
            outgoing: None,
            rewriter: Rewriter::new(first_seq),
            vp8: Vp8Continuity::default(),
        }
    }

    /// The stream without its track.
    pub(crate) fn into_continuity(self) -> Continuity {
        Continuity {
            rewriter: self.rewriter,
            vp8: self.vp8,
            buffered: self.buffered,
        }
    }

    /// Goes on with a stream that carried another track before.
    pub(crate) fn go_on(&mut self, stream: Continuity) {
        self.rewriter = stream.rewriter;
        self.vp8 = stream.vp8;
        self.buffered = stream.buffered;
    }

    /// Another payload type mapping may hold from now on.
    pub(crate) fn renegotiated(&mut self) {
        self.outgoing = None;
        self.tx = None;
    }

    /// Packets may go and are wanted.
    pub(crate) fn active(&self) -> bool {
        self.ready && self.demand.enabled
    }

    /// Waits for a keyframe of this rendition.
    pub(crate) fn awaits(&self) -> Option<usize> {
        if self.kind == Kind::Audio || !self.active() {
            return None;
        }
        let current = self.current.map(|(rendition, _)| rendition);
        self.target.filter(|t| Some(*t) != current)
    }

    /// Sends the packet if it belongs to what this subscriber receives.
    pub(crate) fn forward(&mut self, rtc: &mut Rtc, f: &Forwarded) -> Outcome {
        if !self.active() || !self.takes(f) {
            return Outcome::Skipped;
        }
        let Some(mid) = self.mid else {
            return Outcome::Skipped;
        };
        let Some(format) = self.outgoing_format(rtc, mid, f) else {
            return Outcome::Unsupported;
        };
        let ids = vp8_ids(f);
        let incoming = Incoming {
            seq: f.seq,
            timestamp: f.timestamp,
            wall: f.captured,
            clock_rate: f.format.codec.clock_rate(),
        };
        let source = (f.rendition, f.ssrc);
        if self.current != Some(source) {
            self.rewriter.switch_to(&incoming);
            let (picture, tl0) = ids.map_or((None, None), |i| (i.picture, i.tl0));
            self.vp8.switch_to(picture.map(|(id, _)| id), tl0);
            self.current = Some(source);
        }
        let Some(numbers) = self.rewriter.forward(&incoming) else {
            return Outcome::Skipped;
        };
        let patch = ids.and_then(|ids| self.vp8_patch(&f.payload, ids));
        let Some(payload) = payload(f, format.strip_red) else {
            return Outcome::Skipped;
        };
        let write = RtpWrite::new(
            format.pt,
            SeqNo::from(numbers.seq),
            numbers.timestamp,
            f.captured,
            payload,
        )
        .marker(f.marker)
        .ext_vals(extensions(&f.extensions))
        .nackable(self.kind == Kind::Video);
        let write = match patch {
            Some(patch) => write.vp8_patch(patch),
            None => write,
        };
        if !self.write(rtc, mid, write) {
            return Outcome::Skipped;
        }
        let seen = self.flow.handle_packet(Sent {
            at: f.arrived,
            seq: numbers.seq,
            timestamp: numbers.timestamp,
            clock_rate: incoming.clock_rate,
        });
        if !std::mem::replace(&mut self.live, true) {
            return Outcome::First;
        }
        match seen {
            Seen::Same => Outcome::Sent,
            Seen::Flows => Outcome::Flows,
            Seen::Froze { from } => Outcome::Froze { from },
        }
    }

    /// The same for a subscriber within the server, who takes packets as they
    /// are: whether it takes this one, and whether it is the first.
    pub(crate) fn tap(&mut self, f: &Forwarded) -> Outcome {
        if !self.active() || !self.takes(f) {
            return Outcome::Skipped;
        }
        self.current = Some((f.rendition, f.ssrc));
        if std::mem::replace(&mut self.live, true) {
            Outcome::Sent
        } else {
            Outcome::First
        }
    }

    /// The packet is of the rendition being sent, or begins the one that shall
    /// be.
    fn takes(&self, f: &Forwarded) -> bool {
        if self.kind == Kind::Audio {
            return true;
        }
        let current = self.current.map(|(rendition, _)| rendition);
        if Some(f.rendition) == self.target && Some(f.rendition) != current {
            return f.keyframe;
        }
        match self.current {
            // The publisher restarted the stream: begin at its keyframe.
            Some((r, ssrc)) if r == f.rendition => ssrc == f.ssrc || f.keyframe,
            _ => false,
        }
    }

    fn outgoing_format(&mut self, rtc: &Rtc, mid: Mid, f: &Forwarded) -> Option<OutgoingFormat> {
        let pt = f.pt;
        match self.outgoing {
            Some((of, format)) if of == pt => format,
            _ => {
                let format = match_format(rtc, mid, &f.format);
                self.outgoing = Some((pt, format));
                format
            }
        }
    }

    fn vp8_patch(&mut self, payload: &[u8], ids: Vp8Ids) -> Option<Vp8Patch> {
        let picture = ids
            .picture
            .map(|(id, wide)| (id, self.vp8.picture(id, wide)));
        let tl0 = ids.tl0.map(|t| (t, self.vp8.tl0(t)));
        let moved = picture.is_some_and(|(a, b)| a != b) || tl0.is_some_and(|(a, b)| a != b);
        if !moved {
            return None;
        }
        let mut patch = Vp8Descriptor::parse(payload).ok()?.patch();
        if let Some((_, id)) = picture {
            patch = patch.picture_id(id);
        }
        if let Some((_, index)) = tl0 {
            patch = patch.tl0_pic_idx(index);
        }
        patch.build().ok()
    }

    fn write(&mut self, rtc: &mut Rtc, mid: Mid, write: RtpWrite) -> bool {
        let mut api = rtc.direct_api();
        if let Some(stream) = self.tx.and_then(|ssrc| api.stream_tx(&ssrc)) {
            stream.write_rtp(write);
            return true;
        }
        let Some(stream) = api.stream_tx_by_mid(mid, None) else {
            return false;
        };
        let ssrc = stream.ssrc();
        self.tx = Some(ssrc);
        // It empties the buffer, so once for each stream.
        if self.buffered != Some(ssrc) {
            self.buffered = Some(ssrc);
            stream.set_rtx_cache(SEND_BUFFER, SEND_BUFFER_AGE, None);
        }
        stream.write_rtp(write);
        true
    }
}

#[derive(Clone, Copy)]
struct Vp8Ids {
    /// Picture id, and whether it has 15 bits.
    picture: Option<(u16, bool)>,
    tl0: Option<u8>,
}

fn vp8_ids(f: &Forwarded) -> Option<Vp8Ids> {
    if f.format.codec != Codec::Vp8 {
        return None;
    }
    let (descriptor, _) = vp8::Descriptor::parse(&f.payload)?;
    let wide = |id: vp8::PictureId| (id.value(), matches!(id, vp8::PictureId::Long(_)));
    Some(Vp8Ids {
        picture: descriptor.picture_id.map(wide),
        tl0: descriptor.tl0_pic_idx,
    })
}

/// The payload to send; shared, unless redundancy has to be taken out.
pub(crate) fn payload(f: &Forwarded, strip_red: bool) -> Option<Arc<[u8]>> {
    if !strip_red {
        return Some(Arc::clone(&f.payload));
    }
    let (_, primary) = red::primary(&f.payload)?;
    Some(Arc::from(primary))
}

/// What a subscriber needs to know beyond the payload. Transport-wide numbers,
/// mid and send time are the connection's own business.
fn extensions(of: &ExtensionValues) -> ExtensionValues {
    let mut values = ExtensionValues {
        audio_level: of.audio_level,
        voice_activity: of.voice_activity,
        video_orientation: of.video_orientation,
        ..ExtensionValues::default()
    };
    dependency_descriptor::carry(of, &mut values);
    values
}

/// Payload type that means the same on the subscriber's connection.
fn match_format(rtc: &Rtc, mid: Mid, format: &Format) -> Option<OutgoingFormat> {
    let negotiated = rtc.media(mid)?.remote_pts();
    let same_mode = |p: &&PayloadParams| {
        let mode = |p: &PayloadParams| p.spec().format.packetization_mode.unwrap_or(0);
        p.spec().codec != StrCodec::H264 || mode(p) == mode(&format.params)
    };
    let candidates = || {
        let all = rtc.codec_config().params().iter();
        all.filter(|p| negotiated.contains(&p.pt()) && p.spec().codec == format.params.spec().codec)
    };
    let best = rtc
        .codec_config()
        .match_params(format.params)
        .filter(|p| negotiated.contains(&p.pt()));
    let params = best.or_else(|| candidates().find(same_mode))?;
    if !format.red {
        return Some(OutgoingFormat {
            pt: params.pt(),
            strip_red: false,
        });
    }
    // The blocks inside carry the publisher's payload type for Opus.
    match params.red() {
        Some(red) if params.pt() == format.params.pt() => Some(OutgoingFormat {
            pt: red,
            strip_red: false,
        }),
        _ => Some(OutgoingFormat {
            pt: params.pt(),
            strip_red: true,
        }),
    }
}

/// The codec by our name; `None` for what rooms do not carry.
pub(crate) fn codec_of(codec: StrCodec) -> Option<Codec> {
    Some(match codec {
        StrCodec::Opus => Codec::Opus,
        StrCodec::PCMU => Codec::Pcmu,
        StrCodec::PCMA => Codec::Pcma,
        StrCodec::Vp8 => Codec::Vp8,
        StrCodec::H264 => Codec::H264,
        StrCodec::Vp9 => Codec::Vp9,
        StrCodec::Av1 => Codec::Av1,
        StrCodec::H265 => Codec::H265,
        _ => return None,
    })
}
