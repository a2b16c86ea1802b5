//! Offers and answers of one connection: which section carries what.

use std::time::Instant;

use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::media::{Direction, MediaKind, Mid};
use surecast_media::control::{Announcement, Kind, PeerRole};
use surecast_media::id::TrackId;

use crate::channels;
use crate::peer::{Bound, OurOffer, Peer};
use crate::sdp::{self, Edit, Section};
use crate::section::{ReceiveSection, Use};

/// `mid` → `TR_…`
pub(crate) type MidToTrack = Vec<(String, String)>;

/// What an offer of the client changed.
#[derive(Debug, Default)]
pub(crate) struct OfferOutcome {
    pub(crate) answer: String,
    pub(crate) mid_to_track: MidToTrack,
    /// Publications that are carried from now on.
    pub(crate) bound: Vec<NewlyBound>,
    /// Publications that are no longer sent.
    pub(crate) gone: Vec<TrackId>,
}

/// A publication met its section.
#[derive(Debug)]
pub(crate) struct NewlyBound {
    pub(crate) announcement: Announcement,
    pub(crate) encoding: usize,
    pub(crate) mid: Mid,
    pub(crate) rids: Vec<String>,
    pub(crate) mime: String,
}

impl Peer {
    /// Takes the client's offer. `announced` finds the announcement of a track
    /// that is already bound.
    pub(crate) fn accept_offer<'a>(
        &mut self,
        text: &str,
        announced: impl Fn(TrackId) -> Option<&'a Announcement>,
        now: Instant,
    ) -> Result<OfferOutcome, String> {
        if sdp::section_count(text) > sdp::MAX_SECTIONS {
            return Err(format!("more than {} media sections", sdp::MAX_SECTIONS));
        }
        let offer = SdpOffer::from_sdp_string(text).map_err(|e| e.to_string())?;
        self.timing.described.get_or_insert(now);
        let api = self.rtc.sdp_api();
        let answer = api.accept_offer(offer).map_err(|e| e.to_string())?;
        self.offers.client_offered = true;
        self.offers.asked = None;
        self.offers.wanted = false;

        let mut outcome = OfferOutcome::default();
        let sections = sdp::sections(text);
        for section in &sections {
            self.read_section(section, &mut outcome);
        }
        self.bind(&sections, &mut outcome);
        self.forget_sources();
        self.place_subscriptions();

        let bound = self.bound.clone();
        let edits = |mid: &str| {
            let found = bound.iter().find(|b| &*b.mid == mid);
            let announcement = found.and_then(|b| {
                let new = outcome.bound.iter().find(|n| n.mid == b.mid);
                let new = new.map(|n| &n.announcement);
                new.or_else(|| announced(b.track)).map(|a| (a, b.encoding))
            });
            match announcement {
                Some((a, encoding)) => Some(publication_edit(a, encoding)),
                None => self.subscription_edit(mid),
            }
        };
        outcome.answer = sdp::edit(&answer.to_sdp_string(), edits);
        outcome.mid_to_track = self.mid_to_track();
        let shown: Vec<Mid> = self.sections.leaving().collect();
        self.settle_sections(&shown);
        Ok(outcome)
    }

    /// Keeps track of what the client receives on, and of senders removed.
    fn read_section(&mut self, section: &Section, outcome: &mut OfferOutcome) {
        let mid = Mid::from(section.mid.as_str());
        if !section.direction.sends() {
            let removed = self.bound.iter().filter(|b| b.mid == mid);
            outcome.gone.extend(removed.map(|b| b.track));
            self.bound.retain(|b| b.mid != mid);
        }
        // On one connection a section that sends is not used for receiving
        // too: its receiving half would change hands with the publication.
        // A viewer publishes nothing: where it offers both, it means to receive.
        let sends = section.direction.sends() && self.role != PeerRole::Viewer;
        let receives = section.direction.receives() && !sends;
        match self.sections.find(mid).map(|s| s.state) {
            None if receives => self.sections.add(mid, section.kind, Use::Free),
            None => self.sections.add(mid, section.kind, Use::Closed),
            Some(Use::Closed) if receives => self.sections.set(mid, Use::Free),
            Some(Use::Taken(track)) if !receives => {
                if let Some(s) = self.subscriptions.get_mut(&track) {
                    s.mid = None;
                    s.ready = false;
                }
                self.sections.set(mid, Use::Closed);
            }
            Some(_) if !receives => self.sections.set(mid, Use::Closed),
            Some(_) => {}
        }
    }

    /// Joins sending sections and announcements: by `cid` where the client
    /// named the section so, else the oldest announcement of that kind.
    fn bind(&mut self, sections: &[Section], outcome: &mut OfferOutcome) {
        let sending = || sections.iter().filter(|s| s.direction.sends());
        for section in sending() {
            let by_cid = self.pending.iter().enumerate().find_map(|(i, a)| {
                let cid = section.track_id.as_deref()?;
                let encoding = a.codecs.iter().position(|c| c.cid == cid)?;
                Some((i, encoding))
            });
            if let Some((index, encoding)) = by_cid {
                self.bind_one(section, index, encoding, outcome);
            }
        }
        for section in sending() {
            let mid = Mid::from(section.mid.as_str());
            if self.bound.iter().any(|b| b.mid == mid) {
                continue;
            }
            let oldest = self.pending.iter().position(|a| a.kind == section.kind);
            if let Some(index) = oldest {
                self.bind_one(section, index, 0, outcome);
            }
        }
    }

    fn bind_one(
        &mut self,
        section: &Section,
        index: usize,
        encoding: usize,
        outcome: &mut OfferOutcome,
    ) {
        let mid = Mid::from(section.mid.as_str());
        let announcement = self.pending[index].clone();
        let all_bound = (0..announcement.codecs.len()).all(|e| {
            e == encoding || {
                let same = |b: &&Bound| b.track == announcement.track && b.encoding == e;
                self.bound.iter().any(|b| same(&b))
            }
        });
        if all_bound {
            self.pending.remove(index);
        }
        let replaced = self.bound.iter().filter(|b| b.mid == mid);
        let replaced: Vec<TrackId> = replaced.map(|b| b.track).collect();
        let replaced = replaced.into_iter().filter(|t| *t != announcement.track);
        outcome.gone.extend(replaced);
        self.bound.retain(|b| b.mid != mid);
        self.bound.push(Bound {
            mid,
            track: announcement.track,
            encoding,
        });
        let said = &announcement.codecs[encoding].mime;
        let mime = if said.is_empty() {
            section.first_codec.clone().unwrap_or_default()
        } else {
            said.clone()
        };
        outcome.bound.push(NewlyBound {
            encoding,
            mid,
            rids: section.rids.clone(),
            mime,
            announcement,
        });
    }

    /// Gives free sections to subscriptions that have none.
    fn place_subscriptions(&mut self) {
        for subscription in self.subscriptions.values_mut() {
            if subscription.mid.is_some() {
                // Whatever was renegotiated, it holds from now on.
                subscription.renegotiated();
                continue;
            }
            let (kind, track) = (subscription.kind, subscription.track);
            let Some(mid) = self.sections.take(kind, track) else {
                continue;
            };
            subscription.mid = Some(mid);
            subscription.renegotiated();
        }
    }

    /// The description is agreed: sections in it may be used.
    fn settle_sections(&mut self, left: &[Mid]) {
        self.sections.settle(left);
        for mid in left {
            fresh_ssrc(&mut self.rtc, *mid);
        }
        for subscription in self.subscriptions.values_mut() {
            subscription.ready = subscription.mid.is_some();
        }
    }

    fn subscription_edit(&self, mid: &str) -> Option<Edit> {
        let section = self.sections.find(Mid::from(mid))?;
        if self.role == PeerRole::Viewer {
            return viewer_edit(section);
        }
        match section.state {
            Use::Taken(track) => {
                let subscription = self.subscriptions.get(&track)?;
                Some(Edit {
                    msid: Some((subscription.stream_id.clone(), subscription.sid.clone())),
                    ..Edit::default()
                })
            }
            Use::Free | Use::Leaving => Some(Edit {
                unused: true,
                ..Edit::default()
            }),
            Use::Closed => None,
        }
    }

    fn mid_to_track(&self) -> MidToTrack {
        let taken = self.sections.taken();
        taken
            .filter_map(|(mid, track)| {
                let subscription = self.subscriptions.get(&track)?;
                Some((mid.to_string(), subscription.sid.clone()))
            })
            .collect()
    }

    /// Signalling v1: how many sections the client must add, if it must offer
    /// again at all; each need is told once.
    pub(crate) fn sections_needed(&mut self) -> Option<(u32, u32)> {
        if self.role != PeerRole::Single || !self.offers.client_offered {
            return None;
        }
        let lacking = |kind| {
            let waiting = self.subscriptions.values();
            let waiting = waiting
                .filter(|s| s.kind == kind && s.mid.is_none())
                .count();
            let free = self.sections.count(kind, Use::Free);
            let leaving = self.sections.count(kind, Use::Leaving);
            (waiting, waiting.saturating_sub(free + leaving))
        };
        let (audio_waiting, audio) = lacking(Kind::Audio);
        let (video_waiting, video) = lacking(Kind::Video);
        if audio_waiting + video_waiting == 0 && !self.offers.wanted {
            return None;
        }
        let (audio, video) = (to_u32(audio), to_u32(video));
        let (asked_audio, asked_video) = self.offers.asked.unwrap_or_default();
        let more = (
            audio.saturating_sub(asked_audio),
            video.saturating_sub(asked_video),
        );
        if self.offers.asked.is_some() && more == (0, 0) {
            return None;
        }
        self.offers.asked = Some((audio.max(asked_audio), video.max(asked_video)));
        Some(more)
    }

    /// Signalling v0: our next offer, if one is due and none is under way.
    pub(crate) fn make_offer(&mut self, now: Instant) -> Option<(String, u32, MidToTrack)> {
        if self.role != PeerRole::Subscriber || self.offers.ours.is_some() {
            return None;
        }
        if !self.offers.wanted && !self.offers.restart_ice {
            return None;
        }
        self.offers.wanted = false;
        self.timing.described.get_or_insert(now);
        self.place_subscriptions();
        let taken: Vec<Mid> = self.sections.taken().map(|(mid, _)| mid).collect();
        let leaving: Vec<Mid> = self.sections.leaving().collect();
        let homeless: Vec<TrackId> = self.homeless();

        let with_channels = !self.offers.channels_offered;
        let mut api = self.rtc.sdp_api();
        if with_channels {
            for channel in channels::ALL {
                api.add_channel_with_config(channels::config(channel));
            }
        }
        for mid in &leaving {
            api.set_direction(*mid, Direction::Inactive);
        }
        for mid in taken {
            api.set_direction(mid, Direction::SendOnly);
        }
        let mut fresh = Vec::new();
        for track in homeless {
            let Some(subscription) = self.subscriptions.get_mut(&track) else {
                continue;
            };
            let kind = match subscription.kind {
                Kind::Audio => MediaKind::Audio,
                Kind::Video => MediaKind::Video,
            };
            let stream = Some(subscription.stream_id.clone());
            let sid = Some(subscription.sid.clone());
            let mid = api.add_media(kind, Direction::SendOnly, stream, sid, None);
            subscription.mid = Some(mid);
            subscription.renegotiated();
            self.sections.add(mid, subscription.kind, Use::Taken(track));
            fresh.push(mid);
        }
        if std::mem::take(&mut self.offers.restart_ice) {
            api.ice_restart(true);
        }
        let (offer, pending) = api.apply()?;
        self.offers.next_id += 1;
        let id = self.offers.next_id;
        self.offers.ours = Some(OurOffer {
            pending,
            id,
            fresh,
            leaving,
            with_channels,
        });
        let text = sdp::edit(&offer.to_sdp_string(), |mid| self.offer_edit(mid));
        Some((text, id, self.mid_to_track()))
    }

    fn homeless(&self) -> Vec<TrackId> {
        let all = self.subscriptions.values();
        all.filter(|s| s.mid.is_none()).map(|s| s.track).collect()
    }

    /// In our own offers leaving sections are inactive already; only the
    /// stream ids of reused sections need the right names.
    fn offer_edit(&self, mid: &str) -> Option<Edit> {
        let edit = self.subscription_edit(mid)?;
        (!edit.unused).then_some(edit)
    }

    /// The client's answer to our offer.
    pub(crate) fn accept_answer(&mut self, text: &str, id: u32) -> Result<(), String> {
        let Some(ours) = self.offers.ours.take_if(|o| id == 0 || o.id == id) else {
            return Err(format!("no offer with id {id} waits for an answer"));
        };
        let answer = SdpAnswer::from_sdp_string(text).map_err(|e| e.to_string());
        let accepted = answer.and_then(|answer| {
            let api = self.rtc.sdp_api();
            api.accept_answer(ours.pending, answer)
                .map_err(|e| e.to_string())
        });
        if let Err(reason) = accepted {
            self.roll_back(&ours.fresh);
            return Err(reason);
        }
        self.offers.channels_offered |= ours.with_channels;
        self.settle_sections(&ours.leaving);
        Ok(())
    }

    /// Our offer will not be answered: what it added does not exist.
    pub(crate) fn abandon_offer(&mut self) {
        if let Some(ours) = self.offers.ours.take() {
            self.roll_back(&ours.fresh);
        }
    }

    fn roll_back(&mut self, fresh: &[Mid]) {
        self.sections.forget(fresh);
        for subscription in self.subscriptions.values_mut() {
            if subscription.mid.is_some_and(|mid| fresh.contains(&mid)) {
                subscription.mid = None;
                subscription.ready = false;
            }
        }
        self.offers.wanted = true;
    }
}

/// A viewer's sections stay in use, whatever they carry and whether it is there
/// yet. All of one stream, so that sound and picture are played in sync.
fn viewer_edit(section: &ReceiveSection) -> Option<Edit> {
    let kind = match section.kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    (section.state != Use::Closed).then(|| Edit {
        msid: Some(("program".into(), format!("{kind}-{}", section.mid))),
        ..Edit::default()
    })
}

/// A section that changes hands gets a stream of its own. Packets of a known
/// SSRC no longer name their section; those that overtake the description
/// would be taken for a stream that nobody announced, and a browser would then
/// show them in the wrong place.
fn fresh_ssrc(rtc: &mut Rtc, mid: Mid) {
    let mut api = rtc.direct_api();
    let (ssrc, rtx) = (api.new_ssrc(), api.new_ssrc());
    let Some(old) = api.stream_tx_by_mid(mid, None) else {
        return;
    };
    let (old, has_rtx) = (old.ssrc(), old.rtx().is_some());
    // Not `reset_stream_tx`: feedback would still be looked up by the old SSRC.
    api.remove_stream_tx(old);
    api.declare_stream_tx(ssrc, has_rtx.then_some(rtx), mid, None);
}

/// What our answer asks of a sender.
fn publication_edit(announcement: &Announcement, encoding: usize) -> Edit {
    let mime = announcement.codecs.get(encoding).map(|c| c.mime.as_str());
    let mime = mime.filter(|m| !m.is_empty() && !m.eq_ignore_ascii_case("audio/red"));
    let audio = announcement.kind == Kind::Audio;
    let mut opus = Vec::new();
    if audio && announcement.stereo {
        opus.push("stereo=1");
        opus.push("sprop-stereo=1");
    }
    if audio && announcement.dtx {
        opus.push("usedtx=1");
    }
    Edit {
        // Redundancy is listed before Opus already, and stays there.
        prefer: mime.filter(|_| !audio).map(str::to_owned),
        without_red: audio && announcement.disable_red,
        opus,
        ..Edit::default()
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
