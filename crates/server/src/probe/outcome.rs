//! What is shown and reported of a round.

use std::fmt;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use surecast_guarantee::report::probe::{MAX_TEXT, Round, Verdict};
use surecast_media::control::Kind;
use surecast_sim::client::Client;

use super::peer::Peer;
use super::round::{Plan, Seen};
use super::verdict::Judged;

/// One round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) at: Timestamp,
    vantage: String,
    region: String,
    url: String,
    room: String,
    pub(super) join: Verdict,
    pub(super) signalling: Verdict,
    pub(super) media: Verdict,
    pub(super) why: Vec<String>,
    publisher: Steps,
    subscriber: Steps,
    /// How long media was looked at.
    media_s: f64,
    audio: Stream,
    video: Stream,
    pub(super) cost: Cost,
}

/// Milliseconds of each step of a join, from the end of the one before; `None`
/// where it did not come so far.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Steps {
    websocket_ms: Option<f64>,
    join_response_ms: Option<f64>,
    ice_ms: Option<f64>,
    dtls_ms: Option<f64>,
    /// From the wish to join to being connected.
    connected_ms: Option<f64>,
    /// From the wish to join to all that is published being agreed to.
    published_ms: Option<f64>,
    /// From the wish to join to the first media.
    first_media_ms: Option<f64>,
}

/// Media of one kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Stream {
    expected: u64,
    lost: u64,
    delay_p50_ms: Option<f64>,
    delay_p95_ms: Option<f64>,
    delay_max_ms: Option<f64>,
    longest_gap_ms: Option<f64>,
    freezes: u64,
    frozen_ms: f64,
}

/// What the round cost the machine of the probe.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Cost {
    pub(super) cpu_s: Option<f64>,
    /// Datagrams without headers, and signalling messages.
    bytes_in: u64,
    bytes_out: u64,
    /// How late the probe itself was, at worst.
    lag_ms: f64,
}

impl Outcome {
    pub(super) fn new(plan: &Plan, at: Timestamp, room: &str) -> Self {
        Self {
            at,
            vantage: plan.vantage.clone(),
            region: plan.region.clone(),
            url: plan.url.clone(),
            room: room.to_owned(),
            join: Verdict::Failed,
            signalling: Verdict::Failed,
            media: Verdict::Failed,
            why: Vec::new(),
            publisher: Steps::default(),
            subscriber: Steps::default(),
            media_s: 0.0,
            audio: Stream::default(),
            video: Stream::default(),
            cost: Cost::default(),
        }
    }

    pub(super) fn judge(&mut self, judged: Judged) {
        self.join = judged.join;
        self.signalling = judged.signalling;
        self.media = judged.media;
        self.why.extend(judged.why);
    }

    pub(super) fn measure(&mut self, seen: &Seen) {
        self.publisher = Steps::of(&seen.publisher.client);
        self.subscriber = Steps::of(&seen.subscriber.client);
        self.media_s = seen.window.unwrap_or_default().as_secs_f64();
        let client = &seen.subscriber.client;
        self.audio = Stream::of(client, Kind::Audio, seen.ended);
        self.video = Stream::of(client, Kind::Video, seen.ended);
        for peer in [&seen.publisher, &seen.subscriber] {
            self.cost.add(peer);
        }
    }

    /// The worst of the three.
    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = [self.join, self.signalling, self.media];
        if verdicts.contains(&Verdict::Bad) {
            Verdict::Bad
        } else if verdicts.contains(&Verdict::Failed) {
            Verdict::Failed
        } else {
            Verdict::Good
        }
    }

    /// As it stands in the signed statement.
    pub(super) fn round(&self) -> Round {
        let lost = self.audio.lost + self.video.lost;
        let expected = self.audio.expected + self.video.expected;
        let ppm = (lost * 1_000_000).checked_div(expected);
        let slower = self
            .publisher
            .connected_ms
            .max_known(self.subscriber.connected_ms);
        let delay = self.audio.delay_p50_ms.max_known(self.video.delay_p50_ms);
        Round {
            at: self.at,
            join: self.join,
            signalling: self.signalling,
            media: self.media,
            join_ms: slower.and_then(whole),
            first_media_ms: self.subscriber.first_media_ms.and_then(whole),
            delay_ms: delay.and_then(whole),
            audio_gap_ms: self.audio.longest_gap_ms.and_then(whole),
            video_gap_ms: self.video.longest_gap_ms.and_then(whole),
            lost_ppm: ppm.and_then(|ppm| u32::try_from(ppm).ok()),
            why: one_line(&self.why.join("; ")),
        }
    }
}

trait MaxKnown {
    /// The larger one; `None` unless both are known.
    fn max_known(self, other: Self) -> Self;
}

impl MaxKnown for Option<f64> {
    fn max_known(self, other: Self) -> Self {
        self.zip(other).map(|(a, b)| a.max(b))
    }
}

impl Steps {
    fn of(client: &Client) -> Self {
        let m = client.milestones();
        let step = |from: Option<Instant>, to: Option<Instant>| {
            Some(millis(to?.saturating_duration_since(from?)))
        };
        Self {
            websocket_ms: step(m.started, m.signal_open),
            join_response_ms: step(m.signal_open, m.joined),
            ice_ms: step(m.joined, m.ice),
            dtls_ms: step(m.ice, m.connected),
            connected_ms: step(m.started, m.connected),
            published_ms: step(m.started, m.published),
            first_media_ms: step(m.started, m.first_packet),
        }
    }
}

impl Stream {
    fn of(client: &Client, kind: Kind, end: Instant) -> Self {
        let totals = client.received(kind);
        let delays = match kind {
            Kind::Audio => &client.latency().audio,
            Kind::Video => &client.latency().video,
        };
        let flow = client.flow(kind).map(|flow| flow.until(end));
        let (frozen, freezes) = flow.map(|flow| flow.frozen()).unwrap_or_default();
        let any = delays.count() > 0;
        Self {
            expected: totals.source_expected,
            lost: totals
                .source_expected
                .saturating_sub(totals.source_received),
            delay_p50_ms: delays.quantile(0.5).map(millis),
            delay_p95_ms: delays.quantile(0.95).map(millis),
            delay_max_ms: any.then(|| millis(delays.max())),
            longest_gap_ms: flow.map(|flow| millis(flow.longest())),
            freezes,
            frozen_ms: millis(frozen),
        }
    }
}

impl Cost {
    fn add(&mut self, peer: &Peer) {
        let traffic = peer.client.traffic();
        self.bytes_in += traffic.bytes_in + peer.signalling.0;
        self.bytes_out += traffic.bytes_out + peer.signalling.1;
        self.lag_ms = self.lag_ms.max(millis(peer.lag));
    }
}

/// Three digits after the point, as nobody measures more here.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(ms: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX))
        .contains(&ms)
        .then(|| ms.ceil() as u32)
}

fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line = String::new();
    for c in plain {
        if line.len() + c.len_utf8() > MAX_TEXT {
            break;
        }
        line.push(c);
    }
    line
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Failed => "failed",
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}  {}  join {}  signalling {}  media {}",
            self.at.strftime("%Y-%m-%d %H:%M:%SZ"),
            self.vantage,
            word(self.join),
            word(self.signalling),
            word(self.media),
        )?;
        for why in &self.why {
            writeln!(f, "  ! {why}")?;
        }
        for (name, steps) in [
            ("publisher", &self.publisher),
            ("subscriber", &self.subscriber),
        ] {
            writeln!(
                f,
                "  {name:<10}  websocket {}  join response {}  ICE {}  DTLS {}  connected {}{}",
                Shown(steps.websocket_ms),
                Shown(steps.join_response_ms),
                Shown(steps.ice_ms),
                Shown(steps.dtls_ms),
                Shown(steps.connected_ms),
                steps
                    .first_media_ms
                    .map(|ms| format!("  first media {ms:.1} ms"))
                    .unwrap_or_default(),
            )?;
        }
        for (name, stream) in [("audio", &self.audio), ("video", &self.video)] {
            writeln!(
                f,
                "  {name:<10}  {:.1} s  lost {} of {}  delay {} (95 % {})  longest gap {}  frozen {:.0} ms in {}",
                self.media_s,
                stream.lost,
                stream.expected,
                Shown(stream.delay_p50_ms),
                Shown(stream.delay_p95_ms),
                Shown(stream.longest_gap_ms),
                stream.frozen_ms,
                stream.freezes,
            )?;
        }
        writeln!(
            f,
            "  cost        CPU {} s  in {} kB  out {} kB",
            self.cost
                .cpu_s
                .map_or_else(|| "?".to_owned(), |s| format!("{s:.2}")),
            self.cost.bytes_in / 1000,
            self.cost.bytes_out / 1000,
        )
    }
}

struct Shown(Option<f64>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ms) => write!(f, "{ms:.1} ms"),
            None => f.write_str("-"),
        }
    }
}
