//! What a round says of join, signalling and media.
//!
//! The levels are those of the contracts' units. What lies with the probe
//! itself (its network, its names, its tokens, its clock, a machine that is too
//! busy) makes a module *failed*: it has no vote.

use std::time::Duration;

use surecast_guarantee::method::indicators::UnitRules;
use surecast_guarantee::ratio::Ratio;
use surecast_guarantee::report::probe::Verdict;
use surecast_guarantee::rollup::experience::Indicator;
use surecast_media::control::Kind;
use surecast_media::time::Now;
use surecast_sim::client::{Fault, Milestones};
use surecast_sim::flow::{AUDIO_FREEZE, Flow};

use super::peer::Peer;
use super::round::Seen;

/// Longest good join, and longest good wait for the first media.
const JOIN: Duration = Duration::from_secs(5);

/// Longest good answer of the server to a ping.
const ANSWER: Duration = Duration::from_secs(1);

/// So far the wall clock and the monotonic one may part in a round.
const CLOCK_STEP: Duration = Duration::from_secs(1);

/// 2024-01-01: a clock that says less was never set.
const CLOCK_UNSET_MS: u64 = 1_704_067_200_000;

/// What a round says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) join: Verdict,
    pub(super) signalling: Verdict,
    pub(super) media: Verdict,
    pub(super) why: Vec<String>,
}

impl Judged {
    const fn all(verdict: Verdict, why: Vec<String>) -> Self {
        Self {
            join: verdict,
            signalling: verdict,
            media: verdict,
            why,
        }
    }

    /// The probe could not even try.
    pub(super) fn own(why: String) -> Self {
        Self::all(Verdict::Failed, vec![why])
    }

    /// Nobody listens: no way in, and no media for whoever would come.
    pub(super) fn unreachable(why: String) -> Self {
        Self::all(Verdict::Bad, vec![why])
    }

    fn bad(&mut self, module: fn(&mut Self) -> &mut Verdict, why: String) {
        *module(self) = Verdict::Bad;
        self.why.push(why);
    }
}

/// `Some` when the times of the round cannot be believed.
pub(super) fn clock_trouble(begin: Now, end: Now) -> Option<String> {
    if begin.unix_ms < CLOCK_UNSET_MS {
        return Some("this machine's clock is not set".to_owned());
    }
    let wall = Duration::from_millis(end.unix_ms.saturating_sub(begin.unix_ms));
    let real = end.at.saturating_duration_since(begin.at);
    let step = wall.abs_diff(real);
    (step > CLOCK_STEP).then(|| format!("this machine's clock was moved by {step:?}"))
}

pub(super) fn judge(seen: &Seen) -> Judged {
    let peers = [
        ("publisher", &seen.publisher),
        ("subscriber", &seen.subscriber),
    ];
    if let Some(why) = peers.iter().find_map(|(name, peer)| own_fault(name, peer)) {
        return Judged::own(why);
    }
    let mut judged = Judged::all(Verdict::Good, Vec::new());
    for (name, peer) in peers {
        judge_join(&mut judged, name, peer);
        judge_signalling(&mut judged, name, peer, seen);
    }
    judge_media(&mut judged, seen);
    judged
}

/// What lies with the probe: its sockets, its tokens, its address for the API.
fn own_fault(name: &str, peer: &Peer) -> Option<String> {
    let mine = |fault: Fault, detail: &str| match fault {
        Fault::LocalSocket => true,
        // Another path than signalling v1, a wrong token, a right that is missing.
        Fault::JoinRefused => detail.starts_with('4') && !detail.starts_with("429"),
        Fault::PublishRefused => detail.contains("NotAllowed"),
        _ => false,
    };
    peer.client
        .faults()
        .iter()
        .find(|(fault, _, detail)| mine(*fault, detail))
        .map(|(fault, _, detail)| format!("{name}: {}: {detail}", fault.name()))
}

fn judge_join(judged: &mut Judged, name: &str, peer: &Peer) {
    let milestones = peer.client.milestones();
    match (
        milestones.connected,
        since_start(milestones, milestones.connected),
    ) {
        (None, _) => {
            let faults = peer.client.faults().iter();
            let said: Vec<String> = faults
                .map(|(fault, _, detail)| format!("{} {detail}", fault.name()))
                .collect();
            judged.bad(
                |j| &mut j.join,
                format!("{name}: not connected: {}", said.join("; ")),
            );
        }
        (Some(_), took) if took > JOIN => {
            judged.bad(|j| &mut j.join, format!("{name}: connected after {took:?}"));
        }
        _ => {}
    }
}

fn judge_signalling(judged: &mut Judged, name: &str, peer: &Peer, seen: &Seen) {
    let milestones = peer.client.milestones();
    let joined = since_start(milestones, milestones.joined);
    if milestones.joined.is_none() || joined > JOIN {
        let why = format!("{name}: no join response within {JOIN:?}");
        judged.bad(|j| &mut j.signalling, why);
    }
    let breaks = |fault: Fault| {
        matches!(
            fault,
            Fault::SignalClosed
                | Fault::SignalTimeout
                | Fault::SignalMalformed
                | Fault::ServerLeave
                | Fault::Negotiation
                | Fault::PublishRefused
                | Fault::PublishTimeout
        )
    };
    for (fault, _, detail) in peer.client.faults().iter().filter(|(f, ..)| breaks(*f)) {
        let why = format!("{name}: {}: {detail}", fault.name());
        judged.bad(|j| &mut j.signalling, why);
    }
    let slowest = peer.client.slowest_pong(seen.ended);
    if let Some(took) = slowest.filter(|took| *took > ANSWER) {
        let why = format!("{name}: a ping was not answered within {took:?}");
        judged.bad(|j| &mut j.signalling, why);
    }
}

fn judge_media(judged: &mut Judged, seen: &Seen) {
    let before = judged.why.len();
    let flows = [Kind::Audio, Kind::Video].map(|kind| seen.subscriber.client.flow(kind));
    let wanted = seen
        .subscriber
        .client
        .milestones()
        .connected
        .max(seen.publisher.client.milestones().published);
    for (flow, indicator) in flows.iter().zip([Indicator::Audio, Indicator::Video]) {
        let first = flow.as_ref().and_then(Flow::first);
        let name = name_of(indicator);
        match (first, wanted) {
            (Some(first), Some(wanted)) => {
                let took = first.saturating_duration_since(wanted);
                if took > JOIN {
                    judged.bad(|j| &mut j.media, format!("the first {name} took {took:?}"));
                }
            }
            _ => judged.bad(|j| &mut j.media, format!("no {name} came")),
        }
        if let (Some(flow), Some(window)) = (flow, seen.window) {
            judge_flow(judged, indicator, &flow.until(seen.ended), window);
        }
    }
    let lag = seen.publisher.lag.max(seen.subscriber.lag);
    if judged.media == Verdict::Bad && seen.window.is_some() && lag >= AUDIO_FREEZE {
        judged.media = Verdict::Failed;
        judged.why.truncate(before);
        let why = format!("this machine held the probe up for {lag:?}: media cannot be judged");
        judged.why.push(why);
    }
}

fn judge_flow(judged: &mut Judged, indicator: Indicator, flow: &Flow, window: Duration) {
    let rules = UnitRules::default();
    let all = millis(window);
    let (frozen, times) = flow.frozen();
    let flowing = Ratio {
        num: all.saturating_sub(millis(frozen)),
        den: all,
    };
    let name = name_of(indicator);
    if all > 0 && !flowing.reaches(rules.rule(indicator).good_from) {
        let why = format!("{name} stood still {times} times, for {frozen:?}");
        judged.bad(|j| &mut j.media, why);
    }
    let (packets, in_time) = flow.packets();
    let punctual = Ratio {
        num: in_time,
        den: packets,
    };
    if packets > 0 && !punctual.reaches(rules.delay.good_from) {
        let why = format!(
            "{} of {packets} packets of {name} were late",
            packets - in_time
        );
        judged.bad(|j| &mut j.media, why);
    }
}

const fn name_of(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Video => "video",
        _ => "audio",
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn since_start(milestones: &Milestones, at: Option<std::time::Instant>) -> Duration {
    match (milestones.started, at) {
        (Some(started), Some(at)) => at.saturating_duration_since(started),
        _ => Duration::ZERO,
    }
}
