//! What the server says, and how the client answers.

use std::time::{Duration, Instant};

use livekit_protocol::request_response::{Reason, Request};
use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::signal_response::Message as Tell;
use livekit_protocol::{
    DisconnectReason, JoinResponse, LeaveRequest, Ping, RequestResponse, SessionDescription,
    SignalRequest, TrickleRequest, leave_request,
};
use str0m::Candidate;
use surecast_media::time::Now;

use super::{Client, Fault};
use crate::source::Clock;

/// What LiveKit's server tells its clients, should another leave it out.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// When to ping, and since when the server is silent.
#[derive(Debug)]
pub(super) struct Keepalive {
    interval: Duration,
    timeout: Duration,
    heard: Option<Instant>,
    next_ping: Option<Instant>,
    rtt_ms: i64,
    /// The ping that is not answered.
    asked: Option<Instant>,
    slowest: Option<Duration>,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: PING_INTERVAL,
            timeout: PING_TIMEOUT,
            heard: None,
            next_ping: None,
            rtt_ms: 0,
            asked: None,
            slowest: None,
        }
    }
}

impl Keepalive {
    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        let silent = self.heard.map(|at| at + self.timeout);
        self.next_ping.into_iter().chain(silent).min()
    }

    pub(super) fn slowest(&self, now: Instant) -> Option<Duration> {
        let owed = self.asked.map(|at| now.saturating_duration_since(at));
        self.slowest.max(owed)
    }

    fn answered(&mut self, now: Instant) {
        self.slowest = self.slowest(now);
        self.asked = None;
    }

    /// As the join response says it, in seconds; 0 = not said.
    fn begin(&mut self, interval: i32, timeout: i32, now: Instant) {
        let seconds = |value: i32| u64::try_from(value).ok().filter(|&s| s > 0);
        self.interval = seconds(interval).map_or(PING_INTERVAL, Duration::from_secs);
        self.timeout = seconds(timeout).map_or(PING_TIMEOUT, Duration::from_secs);
        self.next_ping = Some(now + self.interval);
    }
}

/// Farewell.
pub(super) fn leave() -> SignalRequest {
    ask(Ask::Leave(LeaveRequest {
        reason: DisconnectReason::ClientInitiated.into(),
        action: leave_request::Action::Disconnect.into(),
        ..LeaveRequest::default()
    }))
}

impl Client {
    pub(super) fn on_signal(&mut self, message: Tell, now: Now) {
        match message {
            Tell::Join(join) => self.on_join(&join, now),
            Tell::Answer(answer) => self.on_answer(&answer, now),
            Tell::Trickle(trickle) => self.on_trickle(&trickle),
            Tell::MediaSectionsRequirement(more) => {
                self.negotiation
                    .want_sections(more.num_audios, more.num_videos);
                self.offer();
            }
            Tell::TrackPublished(published) => self.on_published(&published.cid),
            Tell::RequestResponse(response) => self.on_request_response(&response),
            Tell::PongResp(pong) => {
                let sent = u64::try_from(pong.last_ping_timestamp).unwrap_or(now.unix_ms);
                let rtt = now.unix_ms.saturating_sub(sent);
                self.keepalive.rtt_ms = i64::try_from(rtt).unwrap_or(0);
                self.keepalive.answered(now.at);
            }
            Tell::Leave(leave) => {
                let detail = format!("{:?}, then {:?}", leave.reason(), leave.action());
                self.fail(Fault::ServerLeave, &detail);
            }
            other => tracing::trace!(?other, "signal message without effect"),
        }
    }

    /// Pings when it is time, gives up when the server is silent.
    pub(super) fn check_keepalive(&mut self, now: Now) {
        let silent = self.keepalive.heard.map(|at| at + self.keepalive.timeout);
        if silent.is_some_and(|at| at <= now.at) {
            let detail = format!("nothing heard for {:?}", self.keepalive.timeout);
            self.fail(Fault::SignalTimeout, &detail);
            return;
        }
        if self.keepalive.next_ping.is_some_and(|at| at <= now.at) {
            self.keepalive.next_ping = Some(now.at + self.keepalive.interval);
            self.keepalive.asked.get_or_insert(now.at);
            self.signals.push_back(ask(Ask::PingReq(Ping {
                timestamp: i64::try_from(now.unix_ms).unwrap_or(i64::MAX),
                rtt: self.keepalive.rtt_ms,
            })));
        }
    }

    /// Gives up what was announced too long ago.
    pub(super) fn check_publications(&mut self, now: Now) {
        let overdue = |at: Instant| at <= now.at;
        let late: Vec<_> = self
            .publications
            .iter_mut()
            .filter(|p| p.overdue_at().is_some_and(overdue))
            .map(|p| {
                p.refuse();
                p.cid().to_owned()
            })
            .collect();
        for cid in late {
            self.fault(Fault::PublishTimeout, &cid);
            self.offer_publications();
        }
    }

    fn on_join(&mut self, join: &JoinResponse, now: Now) {
        self.milestones.joined.get_or_insert(now.at);
        self.keepalive
            .begin(join.ping_interval, join.ping_timeout, now.at);
        for publication in &mut self.publications {
            let request = publication.announce(now.at);
            self.signals.extend(request.map(|r| ask(Ask::AddTrack(r))));
        }
    }

    fn on_answer(&mut self, answer: &SessionDescription, now: Now) {
        match self.negotiation.answer(&mut self.rtc, answer) {
            Ok(true) => {}
            Ok(false) => return,
            Err(reason) => {
                self.fail(Fault::Negotiation, &reason);
                return;
            }
        }
        self.milestones.answered.get_or_insert(now.at);
        let map = answer.mid_to_track_id.iter();
        self.tracks = map
            .map(|(mid, track)| (mid.clone(), track.clone()))
            .collect();
        self.learn_rtx_types();
        self.begin_publications(now);
        self.offer();
    }

    fn begin_publications(&mut self, now: Now) {
        let clock = Clock {
            start: now.at,
            epoch: self.config.epoch,
        };
        for publication in &mut self.publications {
            if let Err(reason) = publication.begin(&mut self.rtc, clock, &mut self.rng) {
                publication.refuse();
                self.faults.add(Fault::PublishRefused, &reason);
            }
        }
        let settled = self.publications.iter().all(|p| p.is_settled());
        if settled && !self.publications.is_empty() {
            self.milestones.published.get_or_insert(now.at);
        }
    }

    fn on_trickle(&mut self, trickle: &TrickleRequest) {
        let init: serde_json::Value =
            serde_json::from_str(&trickle.candidate_init).unwrap_or_default();
        let text = init["candidate"].as_str().unwrap_or_default();
        // Empty at the end of candidates; a name (mDNS) cannot be used here.
        if let Ok(candidate) = Candidate::from_sdp_string(text) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    fn on_published(&mut self, cid: &str) {
        if let Some(publication) = self.publications.iter_mut().find(|p| p.cid() == cid) {
            publication.agree();
        }
        self.offer_publications();
    }

    fn on_request_response(&mut self, response: &RequestResponse) {
        let Some(Request::AddTrack(request)) = &response.request else {
            return;
        };
        if matches!(response.reason(), Reason::Ok | Reason::Queued) {
            return;
        }
        if let Some(publication) = self
            .publications
            .iter_mut()
            .find(|p| p.cid() == request.cid)
        {
            publication.refuse();
        }
        let detail = format!("{:?} {}", response.reason(), response.message);
        self.fault(Fault::PublishRefused, &detail);
        self.offer_publications();
    }

    /// All of them go into one offer.
    fn offer_publications(&mut self) {
        if !self.publications.iter().any(|p| p.is_announced()) {
            self.negotiation.want_publications();
            self.offer();
        }
    }

    fn offer(&mut self) {
        let offer = self
            .negotiation
            .offer(&mut self.rtc, &mut self.publications);
        self.signals
            .extend(offer.map(|offer| ask(Ask::Offer(offer))));
    }
}

const fn ask(message: Ask) -> SignalRequest {
    SignalRequest {
        message: Some(message),
    }
}
