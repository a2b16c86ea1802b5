//! One peer connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::change::SdpPendingOffer;
use str0m::config::{DtlsCert, DtlsVersion};
use str0m::media::Mid;
use str0m::net::Protocol;
use str0m::rtp::Ssrc;
use str0m::{Candidate, Input, Output, Rtc, RtcConfig};
use surecast_media::control::{Announcement, PeerHealth, PeerRole};
use surecast_media::id::{PeerId, RoomId, TrackId};

use crate::channels::Channels;
use crate::clock::PublisherClock;
use crate::dependency_descriptor;
use crate::dtls;
use crate::section::{Sections, Use};
use crate::subscription::{Continuity, Subscription};
use crate::track::Source;

/// Index of a connection inside the engine.
pub(crate) type Slot = usize;

/// Where the bandwidth estimate of a downlink starts. A talking head in 720p
/// starts at once, and what cannot carry it is found within the first round
/// trips of feedback.
const INITIAL_ESTIMATE: u64 = 2_500_000;

/// SCTP may hold this much unacknowledged towards a client: at 100 ms round
/// trip it allows 40 Mbps.
const SCTP_BUFFER: usize = 512 << 10;

/// LiveKit clients send data packets of up to 64 KiB.
const SCTP_MESSAGE: u32 = 64 << 10;

/// How often connections report their statistics.
const STATS_INTERVAL: Duration = Duration::from_secs(2);

/// Sender and receiver reports. A browser ties sound and picture together from
/// the second sender report on: after five seconds, the usual interval for
/// audio, it has long begun to play.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// More SSRCs than a client can reasonably send: three renditions and their
/// history after restarts, times a dozen tracks.
const MAX_SOURCES: usize = 128;

/// One peer connection.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) room: RoomId,
    pub(crate) role: PeerRole,
    pub(crate) rtc: Rtc,
    /// Tracks that this client receives.
    pub(crate) subscriptions: BTreeMap<TrackId, Subscription>,
    pub(crate) sections: Sections,
    /// Of a viewer: where the streams of sections stand that no track uses now.
    /// Never more than sections.
    pub(crate) resting: BTreeMap<Mid, Continuity>,
    /// Announced publications that no offer has carried yet.
    pub(crate) pending: Vec<Announcement>,
    /// Sections that the client sends on.
    pub(crate) bound: Vec<Bound>,
    sources: Vec<Source>,
    pub(crate) clock: PublisherClock,
    pub(crate) channels: Channels,
    /// Every ICE user fragment that addressed this connection.
    pub(crate) ufrags: Vec<String>,
    /// Every remote address that addressed this connection.
    pub(crate) addresses: Vec<(Protocol, SocketAddr)>,
    pub(crate) timing: Timing,
    pub(crate) offers: Offers,
    /// Bits per second that the downlink carries, where it is estimated.
    pub(crate) estimate: Option<u64>,
    pub(crate) health: PeerHealth,
    pub(crate) bytes: (u64, u64),
    /// No rendition goes up before this: hysteresis of the downlink.
    pub(crate) no_upgrade_before: Option<Instant>,
    /// Video is held back to the estimate.
    pub(crate) paced: bool,
    /// When the connection wants to be woken.
    pub(crate) deadline: Option<Instant>,
    /// Packets were written since it was last drained.
    pub(crate) touched: bool,
    /// An error or a bug below us: nothing may be asked of it any more.
    pub(crate) broken: bool,
}

/// A section that the client sends a track on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) mid: Mid,
    pub(crate) track: TrackId,
    pub(crate) encoding: usize,
}

/// Steps of the join, for the quality panel and the guarantee.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timing {
    pub(crate) described: Option<Instant>,
    pub(crate) ice: Option<Instant>,
    pub(crate) connected: bool,
    /// ICE lost the client after it was connected.
    pub(crate) lost: bool,
}

/// Descriptions between the client and us.
#[derive(Default)]
pub(crate) struct Offers {
    /// Signalling v0: our offer that waits for its answer.
    pub(crate) ours: Option<OurOffer>,
    /// Counter of our offers.
    pub(crate) next_id: u32,
    /// Something changed that a new description must show.
    pub(crate) wanted: bool,
    pub(crate) restart_ice: bool,
    pub(crate) channels_offered: bool,
    /// The client has offered at least once (v1).
    pub(crate) client_offered: bool,
    /// Sections asked for since the client's last offer (v1).
    pub(crate) asked: Option<(u32, u32)>,
}

pub(crate) struct OurOffer {
    pub(crate) pending: SdpPendingOffer,
    pub(crate) id: u32,
    /// Sections that exist only if the client answers.
    pub(crate) fresh: Vec<Mid>,
    /// Sections that it shows inactive.
    pub(crate) leaving: Vec<Mid>,
    pub(crate) with_channels: bool,
}

/// What all connections of an engine have in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) cert: DtlsCert,
    pub(crate) candidates: Vec<Candidate>,
}

impl Peer {
    pub(crate) fn new(
        id: PeerId,
        room: RoomId,
        role: PeerRole,
        common: &Common,
        now: Instant,
    ) -> Self {
        let mut rtc = config(common, role).build(now);
        for candidate in &common.candidates {
            rtc.add_local_candidate(candidate.clone());
        }
        Self {
            id,
            room,
            role,
            rtc,
            subscriptions: BTreeMap::new(),
            sections: Sections::default(),
            resting: BTreeMap::new(),
            pending: Vec::new(),
            bound: Vec::new(),
            sources: Vec::new(),
            clock: PublisherClock::default(),
            channels: Channels::default(),
            ufrags: Vec::new(),
            addresses: Vec::new(),
            timing: Timing::default(),
            offers: Offers::default(),
            estimate: None,
            health: PeerHealth::default(),
            bytes: (0, 0),
            no_upgrade_before: None,
            paced: true,
            deadline: None,
            touched: false,
            broken: false,
        }
    }

    /// Gives the connection a datagram or the time.
    pub(crate) fn feed(&mut self, input: Input<'_>) -> Result<(), String> {
        self.guarded(|rtc| rtc.handle_input(input))
    }

    /// What the connection has to say next.
    pub(crate) fn poll(&mut self) -> Result<Output, String> {
        self.guarded(Rtc::poll_output)
    }

    /// Tells the client that this is the end, as far as it still listens.
    pub(crate) fn close(&mut self) {
        let _ = self.guarded(Rtc::close);
    }

    /// Everything below us that a peer's bytes can reach runs in here: a bug
    /// there ends this connection, not the shard with all its rooms. The
    /// connection is never used again, so what it left half done does not
    /// matter.
    fn guarded<T>(
        &mut self,
        f: impl FnOnce(&mut Rtc) -> Result<T, str0m::RtcError>,
    ) -> Result<T, String> {
        if self.broken {
            return Err("the connection broke before".into());
        }
        let rtc = &mut self.rtc;
        match catch_unwind(AssertUnwindSafe(|| f(rtc))) {
            Ok(result) => result.map_err(|e| e.to_string()),
            Err(_) => {
                tracing::error!(room = %self.room, peer = %self.id, "bug: a connection panicked");
                self.broken = true;
                Err("a bug in the connection".into())
            }
        }
    }

    pub(crate) fn source(&self, ssrc: Ssrc) -> Option<Source> {
        self.sources.iter().find(|s| s.ssrc == ssrc).copied()
    }

    pub(crate) fn remember_source(&mut self, source: Source) {
        if self.sources.len() >= MAX_SOURCES {
            self.sources.clear();
        }
        self.sources.push(source);
    }

    /// Section bindings changed: look packets up anew.
    pub(crate) fn forget_sources(&mut self) {
        self.sources.clear();
    }

    /// The subscription in this section.
    pub(crate) fn subscription_in(&mut self, mid: Mid) -> Option<&mut Subscription> {
        self.subscriptions.values_mut().find(|s| s.mid == Some(mid))
    }

    /// Ends the subscription; its section serves another track later.
    pub(crate) fn unsubscribe(&mut self, track: TrackId) -> bool {
        let Some(subscription) = self.subscriptions.remove(&track) else {
            return false;
        };
        if self.role == PeerRole::Viewer {
            self.rest(subscription);
            return true;
        }
        self.sections.vacate(track);
        self.offers.wanted |= subscription.mid.is_some();
        true
    }
}

/// What a viewer's sections carry, without descriptions.
impl Peer {
    /// The section's stream stands still until another track goes on with it.
    fn rest(&mut self, subscription: Subscription) {
        if let Some(mid) = subscription.mid {
            self.sections.set(mid, Use::Free);
            self.resting.insert(mid, subscription.into_continuity());
        }
        self.fill_sections();
    }

    /// Tracks that wait take sections that are agreed upon and free.
    pub(crate) fn fill_sections(&mut self) {
        if self.role != PeerRole::Viewer || !self.offers.client_offered {
            return;
        }
        for subscription in self.subscriptions.values_mut().filter(|s| s.mid.is_none()) {
            let (kind, track) = (subscription.kind, subscription.track);
            let Some(mid) = self.sections.take(kind, track) else {
                continue;
            };
            if let Some(continuity) = self.resting.remove(&mid) {
                subscription.go_on(continuity);
            }
            subscription.mid = Some(mid);
            subscription.ready = true;
        }
    }
}

fn config(common: &Common, role: PeerRole) -> RtcConfig {
    let mut config = RtcConfig::new()
        .set_crypto_provider(dtls::crypto_provider())
        .set_dtls_cert(common.cert.clone())
        .set_dtls_version(DtlsVersion::Auto)
        .set_rtp_mode(true)
        .set_extension(
            dependency_descriptor::ID,
            dependency_descriptor::extension(),
        )
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_rtcp_report_interval_audio(REPORT_INTERVAL)
        .set_rtcp_report_interval_video(REPORT_INTERVAL)
        .set_sctp_max_buffered_amount(SCTP_BUFFER)
        .set_sctp_max_message_size(SCTP_MESSAGE)
        .clear_codecs()
        .enable_opus(true, true)
        .enable_pcmu(true, false)
        .enable_pcma(true, false)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .enable_av1(true);
    if role == PeerRole::Encoder {
        config = config.set_ice_lite(true);
    } else if role != PeerRole::Publisher {
        config = config.enable_bwe(Some(Bitrate::bps(INITIAL_ESTIMATE)));
    }
    config
}
