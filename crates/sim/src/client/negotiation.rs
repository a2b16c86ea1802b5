//! Offers and answers. Only one offer is under way at a time; what is wanted
//! meanwhile goes into the next.

use livekit_protocol::SessionDescription;
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpApi, SdpPendingOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::media::{Direction, MediaKind, Mid};
use surecast_media::control::Kind;

use super::publication::Publication;
use super::sdp;

/// LiveKit's clients begin with so many receiving sections of each kind.
const FIRST_SECTIONS: u32 = 3;

/// Receiving sections of one client: a room of 500 publishers with audio and
/// video. A server that asks for more than that is not obeyed.
const MAX_SECTIONS: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Negotiation {
    pending: Option<(u32, SdpPendingOffer)>,
    /// Offers made: the id of the latest.
    offers: u32,
    receiving: Vec<Mid>,
    wanted: Vec<Kind>,
    /// An offer is due once the pending one is answered.
    due: bool,
}

impl Negotiation {
    /// The offer that goes into the join request: data channels, and sections
    /// to receive on.
    pub(super) fn first_offer(
        &mut self,
        rtc: &mut Rtc,
        subscribe: bool,
    ) -> Option<SessionDescription> {
        if subscribe {
            self.want_sections(FIRST_SECTIONS, FIRST_SECTIONS);
        }
        let mut api = rtc.sdp_api();
        add_data_channels(&mut api);
        self.add_sections(&mut api);
        self.finish(api)
    }

    /// The server wants to send on so many more sections.
    pub(super) fn want_sections(&mut self, audio: u32, video: u32) {
        let free = MAX_SECTIONS.saturating_sub(self.receiving.len() + self.wanted.len());
        let audio = std::iter::repeat_n(Kind::Audio, audio as usize);
        let video = std::iter::repeat_n(Kind::Video, video as usize);
        self.wanted.extend(audio.chain(video).take(free));
        self.due = true;
    }

    /// Publications have been agreed to and are to be offered.
    pub(super) const fn want_publications(&mut self) {
        self.due = true;
    }

    /// The next offer, when one is due and none is under way.
    pub(super) fn offer(
        &mut self,
        rtc: &mut Rtc,
        publications: &mut [Publication],
    ) -> Option<SessionDescription> {
        if !self.due || self.pending.is_some() {
            return None;
        }
        self.due = false;
        let mut api = rtc.sdp_api();
        self.reopen(&mut api);
        self.add_sections(&mut api);
        for publication in publications {
            publication.offer(&mut api);
        }
        self.finish(api)
    }

    /// Applies an answer. `false` when it belongs to no offer under way.
    pub(super) fn answer(
        &mut self,
        rtc: &mut Rtc,
        answer: &SessionDescription,
    ) -> Result<bool, String> {
        // Servers that do not count leave the id 0.
        let fits = |(id, _): &(u32, _)| answer.id == *id || answer.id == 0;
        let Some((_, pending)) = self.pending.take_if(|pending| fits(pending)) else {
            return Ok(false);
        };
        let parsed = SdpAnswer::from_sdp_string(&answer.sdp).map_err(|e| e.to_string())?;
        rtc.sdp_api()
            .accept_answer(pending, parsed)
            .map_err(|e| e.to_string())?;
        Ok(true)
    }

    /// An answer turns a section that the server does not use to inactive; in
    /// the next offer each is to say again that it could receive.
    fn reopen(&self, api: &mut SdpApi<'_>) {
        for &mid in &self.receiving {
            api.set_direction(mid, Direction::RecvOnly);
        }
        if let (false, Some(&mid)) = (api.has_changes(), self.receiving.first()) {
            // The server may want to answer anew though nothing changed here:
            // an offer needs a change, and this one leaves all as it is.
            api.set_direction(mid, Direction::SendRecv);
            api.set_direction(mid, Direction::RecvOnly);
        }
    }

    fn add_sections(&mut self, api: &mut SdpApi<'_>) {
        for kind in self.wanted.drain(..) {
            let kind = match kind {
                Kind::Audio => MediaKind::Audio,
                Kind::Video => MediaKind::Video,
            };
            let mid = api.add_media(kind, Direction::RecvOnly, None, None, None);
            self.receiving.push(mid);
        }
        self.due = false;
    }

    fn finish(&mut self, api: SdpApi<'_>) -> Option<SessionDescription> {
        let (offer, pending) = api.apply()?;
        self.offers += 1;
        self.pending = Some((self.offers, pending));
        Some(SessionDescription {
            r#type: "offer".to_owned(),
            sdp: sdp::as_browser(&offer.to_sdp_string()),
            id: self.offers,
            ..SessionDescription::default()
        })
    }
}

/// The channels that every LiveKit client opens.
fn add_data_channels(api: &mut SdpApi<'_>) {
    for (label, reliable) in [
        ("_reliable", true),
        ("_lossy", false),
        ("_data_track", false),
    ] {
        let reliability = if reliable {
            Reliability::Reliable
        } else {
            Reliability::MaxRetransmits { retransmits: 0 }
        };
        api.add_channel_with_config(ChannelConfig {
            label: label.to_owned(),
            ordered: reliable,
            reliability,
            ..ChannelConfig::default()
        });
    }
}
