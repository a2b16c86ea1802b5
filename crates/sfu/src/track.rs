//! A published track: its renditions, their clocks, and who receives it.

use std::time::{Duration, Instant};

use str0m::format::PayloadParams;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{RtpPacket, Ssrc};
use surecast_media::codec::Codec;
use surecast_media::control::{AnnouncedLayer, Announcement, Demand, Kind, Quality};
use surecast_media::id::{RoomId, TrackId};

use crate::clock::{PublisherClock, StreamReport};
use crate::delay::{Lateness, Mean};
use crate::flow::Pauses;
use crate::keyframe::KeyframeGate;
use crate::local::LocalTrack;
use crate::loudness::Loudness;
use crate::peer::Slot;
use crate::rate::RateMeter;

/// A rendition without a packet for this long is not being sent: the
/// publisher's encoder switched it off. Longer than the pauses of a screen
/// share that shows a still page at one frame per second.
const SILENT_AFTER: Duration = Duration::from_millis(2500);

/// A published track.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) room: RoomId,
    /// The publisher's connection.
    pub(crate) publisher: Slot,
    pub(crate) announcement: Announcement,
    pub(crate) muted: bool,
    /// Sorted by encoding, then quality.
    pub(crate) renditions: Vec<Rendition>,
    /// Receiving connections, each once.
    pub(crate) subscribers: Vec<Slot>,
    /// What was last told to the room engine.
    pub(crate) live_as: Option<Codec>,
    pub(crate) loudness: Loudness,
    /// From arrival until it is handed to the subscribers.
    pub(crate) residence: Mean,
    /// How much later than the fastest packet of its publisher a packet comes,
    /// by its capture time.
    pub(crate) late: Lateness,
    /// Highest wanted rendition as last told.
    pub(crate) told_demand: Option<Option<Quality>>,
    /// Of a local publisher.
    pub(crate) local: Option<LocalTrack>,
}

/// One RTP stream of a track.
#[derive(Debug)]
pub(crate) struct Rendition {
    /// Section of the publisher's description.
    pub(crate) mid: Mid,
    pub(crate) rid: Option<Rid>,
    pub(crate) quality: Quality,
    /// Index into [`Announcement::codecs`].
    pub(crate) encoding: usize,
    pub(crate) keyframes: KeyframeGate,
    pub(crate) rate: RateMeter,
    format: Option<(Pt, Format)>,
    report: Option<StreamReport>,
    last_packet: Option<Instant>,
}

/// What a payload type means on the publisher's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) codec: Codec,
    pub(crate) params: PayloadParams,
    /// The payload is RFC 2198 around `codec`.
    pub(crate) red: bool,
}

impl Track {
    pub(crate) fn new(room: RoomId, publisher: Slot, announcement: Announcement) -> Self {
        Self {
            id: announcement.track,
            room,
            publisher,
            announcement,
            muted: false,
            renditions: Vec::new(),
            subscribers: Vec::new(),
            live_as: None,
            loudness: Loudness::default(),
            residence: Mean::default(),
            late: Lateness::default(),
            told_demand: None,
            local: None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.announcement.kind
    }

    /// Whether it may leave gaps on purpose.
    pub(crate) fn pauses(&self) -> Pauses {
        match (self.kind(), &self.announcement) {
            (Kind::Audio, a) if a.dtx => Pauses::Silence,
            (Kind::Video, a) if a.screen_share => Pauses::Stillness,
            _ => Pauses::No,
        }
    }

    /// The track is sent in this section, in these renditions.
    pub(crate) fn bind(&mut self, encoding: usize, mid: Mid, rids: &[String]) {
        self.renditions.retain(|r| r.mid != mid);
        if rids.is_empty() {
            self.renditions
                .push(Rendition::new(mid, None, Quality::High, encoding));
        }
        for (i, rid) in rids.iter().enumerate() {
            let quality = self.quality_of_rid(rid, i);
            let rid = Some(Rid::from(rid.as_str()));
            self.renditions
                .push(Rendition::new(mid, rid, quality, encoding));
        }
        self.renditions.sort_by_key(|r| (r.encoding, r.quality));
    }

    /// As it was announced; else LiveKit clients name renditions `q`, `h`, `f`,
    /// and others list them from the lowest to the highest.
    fn quality_of_rid(&self, rid: &str, index: usize) -> Quality {
        let announced = &self.announcement.layers;
        let same = |l: &&AnnouncedLayer| l.rid.as_deref() == Some(rid);
        match (announced.iter().find(same), rid) {
            (Some(layer), _) => layer.quality,
            (None, "q") => Quality::Low,
            (None, "h") => Quality::Medium,
            (None, "f") => Quality::High,
            (None, _) => [Quality::Low, Quality::Medium, Quality::High][index.min(2)],
        }
    }

    pub(crate) fn rendition_of(&self, mid: Mid, rid: Option<Rid>) -> Option<usize> {
        self.renditions
            .iter()
            .position(|r| r.mid == mid && r.rid == rid)
    }

    /// The rendition that serves the demand best among those being sent, of
    /// one encoding, and not above `cap`.
    pub(crate) fn choose(
        &self,
        encoding: usize,
        demand: &Demand,
        cap: Quality,
        now: Instant,
    ) -> Option<usize> {
        let wanted = self.wanted_quality(demand).min(cap);
        let of_encoding =
            || (0..self.renditions.len()).filter(|&i| self.renditions[i].encoding == encoding);
        let sent = || of_encoding().filter(|&i| self.renditions[i].is_sent(now));
        let best_below = |i: &usize| self.renditions[*i].quality <= wanted;
        sent()
            .rfind(best_below)
            .or_else(|| sent().next())
            .or_else(|| of_encoding().rfind(best_below))
            .or_else(|| of_encoding().next())
    }

    /// The smallest announced rendition that fills the requested size.
    pub(crate) fn wanted_quality(&self, demand: &Demand) -> Quality {
        if demand.width == 0 || demand.height == 0 {
            return demand.quality;
        }
        let short = demand.width.min(demand.height);
        self.announcement
            .layers
            .iter()
            .filter(|l| l.width > 0 && l.height > 0)
            .find(|l| l.width.min(l.height) >= short)
            .map_or(Quality::High, |l| l.quality)
    }
}

impl Rendition {
    fn new(mid: Mid, rid: Option<Rid>, quality: Quality, encoding: usize) -> Self {
        Self {
            mid,
            rid,
            quality,
            encoding,
            keyframes: KeyframeGate::default(),
            rate: RateMeter::default(),
            format: None,
            report: None,
            last_packet: None,
        }
    }

    /// Being sent at all, as far as we see.
    pub(crate) fn is_sent(&self, now: Instant) -> bool {
        self.last_packet
            .is_some_and(|t| now.saturating_duration_since(t) < SILENT_AFTER)
    }

    pub(crate) fn format(&self, pt: Pt) -> Option<Format> {
        self.format.filter(|(of, _)| *of == pt).map(|(_, f)| f)
    }

    pub(crate) fn set_format(&mut self, pt: Pt, format: Format) {
        self.format = Some((pt, format));
    }

    /// Takes note of a packet that came from within the server.
    pub(crate) fn note_local(&mut self, bytes: usize, now: Instant) {
        self.last_packet = Some(now);
        self.rate.add(bytes, now);
    }

    /// Takes note of a packet; returns when it was captured.
    pub(crate) fn note(
        &mut self,
        packet: &RtpPacket,
        clock_rate: u32,
        clock: &mut PublisherClock,
    ) -> Instant {
        let arrived = packet.timestamp;
        self.last_packet = Some(arrived);
        self.rate
            .add(packet.payload.len() + packet.header.header_len, arrived);
        if let Some(sr) = &packet.last_sender_info {
            let report = StreamReport {
                ntp: sr.ntp_time,
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "low 32 bits of an extended timestamp"
                )]
                timestamp: sr.rtp_time.numer() as u32,
            };
            if self.report.is_none_or(|r| r.ntp != report.ntp) {
                clock.report(report.ntp, arrived);
                self.report = Some(report);
            }
        }
        self.report
            .and_then(|r| r.captured(clock, packet.header.timestamp, clock_rate, arrived))
            .unwrap_or(arrived)
    }
}

/// Where packets of an SSRC belong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) ssrc: Ssrc,
    pub(crate) track: TrackId,
    pub(crate) rendition: usize,
}
