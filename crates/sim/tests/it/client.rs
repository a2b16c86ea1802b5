//! The client against a fake server, in virtual time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::DtlsVersion;
use str0m::format::Codec;
use str0m::media::MediaKind;
use surecast_media::control::Kind;
use surecast_media::time::Now;
use surecast_sim::client::{CONNECT_TIMEOUT, Client, Config, Fault, Publish};
use surecast_sim::link::Profile;
use surecast_sim::proto::{
    MediaSectionsRequirement, SignalResponse, signal_request as ask, signal_response as tell,
};
use surecast_sim::source::Encoding;
use surecast_sim::stamp::Stamp;
use surecast_sim::world::{Endpoint, World};

use crate::fake::FakeServer;

const SETTLED: Duration = Duration::from_secs(2);

fn origin() -> Now {
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    let at = Instant::now();
    Now {
        at,
        unix_ms: 1_700_000_000_000,
    }
}

fn config(publish: Vec<Publish>, subscribe: bool, epoch: Instant) -> Config {
    Config {
        publish,
        subscribe,
        seed: 1,
        first_source: 100,
        epoch,
        crypto: Arc::new(str0m::crypto::from_feature_flags()),
        dtls: DtlsVersion::Auto,
    }
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 5000))
}

/// A client and its server.
struct Pair {
    world: World,
    client: Client,
    server: FakeServer,
}

impl Pair {
    fn new(publish: Vec<Publish>, subscribe: bool) -> Self {
        let now = origin();
        let world = World::new(7, now);
        let config = config(publish, subscribe, now.at);
        let client = Client::new(config, address(1), now).unwrap();
        let server = FakeServer::new(address(2), now);
        Self {
            world,
            client,
            server,
        }
    }

    fn joined(publish: Vec<Publish>, subscribe: bool) -> Self {
        let mut pair = Self::new(publish, subscribe);
        pair.join();
        pair
    }

    fn join(&mut self) {
        self.server.join(&mut self.client, self.world.now());
        self.server.talk(&mut self.client, self.world.now());
        self.run(SETTLED);
    }

    fn run(&mut self, time: Duration) {
        let until = self.world.now().at + time;
        while self.world.now().at < until {
            let endpoints: &mut [&mut dyn Endpoint] = &mut [&mut self.client, &mut self.server];
            self.world.run_for(endpoints, Duration::from_millis(5));
            self.server.talk(&mut self.client, self.world.now());
        }
    }

    fn set_links(&mut self, profile: Profile) {
        self.world.set_links(address(1), address(2), profile);
    }
}

fn audio_and_video() -> Vec<Publish> {
    vec![Publish::Audio, Publish::Video(Encoding::HD.to_vec())]
}

#[test]
fn joins_and_publishes() {
    let mut pair = Pair::joined(audio_and_video(), false);
    assert!(pair.server.connected);
    let milestones = pair.client.milestones();
    assert!(milestones.connected.is_some() && milestones.published.is_some());
    pair.server.received.clear();
    pair.run(Duration::from_secs(4));
    let packets = &pair.server.received;
    let (audio, video): (Vec<_>, Vec<_>) = packets.iter().partition(|p| p.payload.len() == 160);
    assert!((199..=201).contains(&audio.len()), "{}", audio.len());
    assert_eq!(
        audio[0].header.ext_vals.audio_level.map(|l| l <= 0),
        Some(true)
    );
    let bits: usize = video.iter().map(|p| p.payload.len() * 8).sum();
    let rate = bits as f64 / 4.0;
    assert!((1.4e6..1.6e6).contains(&rate), "{rate}");
    assert!(packets.iter().all(|p| Stamp::read(&p.payload).is_some()));
    assert!(
        pair.client.faults().is_empty(),
        "{:?}",
        pair.client.faults()
    );
}

#[test]
fn simulcast_arrives_by_rid() {
    let mut pair = Pair::joined(vec![Publish::Video(Encoding::SIMULCAST.to_vec())], false);
    pair.run(Duration::from_secs(1));
    for (source, rid) in [(100, "q"), (101, "h"), (102, "f")] {
        let of_source = |p: &&str0m::rtp::RtpPacket| {
            Stamp::read(&p.payload).is_some_and(|stamp| stamp.source == source)
        };
        let first = pair.server.received.iter().find(of_source).unwrap();
        let got = first.header.ext_vals.rid.map(|rid| rid.to_string());
        assert_eq!(got.as_deref(), Some(rid));
    }
}

#[test]
fn a_picture_loss_brings_a_keyframe() {
    let mut pair = Pair::joined(vec![Publish::Video(Encoding::HD.to_vec())], false);
    let keyframes = |server: &FakeServer| {
        let payloads = server.received.iter().map(|p| &p.payload);
        payloads
            .filter(|p| surecast_media::vp8::is_keyframe(p))
            .count()
    };
    let before = keyframes(&pair.server);
    let packet = pair.server.received.pop().unwrap();
    pair.server.request_keyframe(&packet, pair.world.now());
    pair.run(Duration::from_millis(200));
    assert_eq!(keyframes(&pair.server), before + 1);
}

/// Publisher → fake server → subscriber, the server forwarding by hand.
fn forward(publisher: &mut Pair, subscriber: &mut Pair, time: Duration) {
    let mid = subscriber.server.sections(MediaKind::Video)[0];
    let until = publisher.world.now().at + time;
    publisher.server.received.clear();
    while publisher.world.now().at < until {
        publisher.run(Duration::from_millis(5));
        subscriber.run(Duration::from_millis(5));
        for packet in publisher.server.received.drain(..) {
            let now = subscriber.world.now();
            subscriber.server.send(mid, &packet, Codec::Vp8, now);
        }
    }
}

fn subscriber_of_one_track() -> Pair {
    let mut pair = Pair::joined(vec![], true);
    let mid = pair.server.sections(MediaKind::Video)[0];
    pair.server.send_on.insert(mid, "TR_one".to_owned());
    let more = MediaSectionsRequirement {
        num_audios: 0,
        num_videos: 0,
    };
    let response = SignalResponse {
        message: Some(tell::Message::MediaSectionsRequirement(more)),
    };
    pair.client.handle_signal(response, pair.world.now());
    pair.run(Duration::from_millis(100));
    pair
}

#[test]
fn receives_and_measures() {
    let mut publisher = Pair::joined(vec![Publish::Video(Encoding::HD.to_vec())], false);
    let mut subscriber = subscriber_of_one_track();
    assert_eq!(subscriber.client.tracks_mapped(), 1);
    forward(&mut publisher, &mut subscriber, Duration::from_secs(5));
    let totals = subscriber.client.received(Kind::Video);
    assert!(totals.packets_expected > 700, "{totals:?}");
    assert_eq!(totals.packets_lost, 0);
    assert_eq!(totals.source_expected, totals.source_received);
    assert!((140..=155).contains(&totals.frames), "{totals:?}");
    assert!(subscriber.client.milestones().first_keyframe.is_some());
    assert!(
        subscriber.client.faults().is_empty(),
        "{:?}",
        subscriber.client.faults()
    );
}

#[test]
fn loss_is_repaired_by_retransmission() {
    let mut publisher = Pair::joined(vec![Publish::Video(Encoding::HD.to_vec())], false);
    let mut subscriber = subscriber_of_one_track();
    subscriber.set_links(Profile {
        delay: Duration::from_millis(15),
        loss: 0.03,
        ..Profile::default()
    });
    forward(&mut publisher, &mut subscriber, Duration::from_secs(10));
    let totals = subscriber.client.received(Kind::Video);
    let share = totals.packets_recovered as f64 / totals.packets_expected as f64;
    assert!((0.015..0.05).contains(&share), "{totals:?}");
    assert!(
        totals.packets_lost * 200 < totals.packets_expected,
        "{totals:?}"
    );
}

#[test]
fn more_sections_are_offered_when_asked_for() {
    let mut pair = Pair::joined(vec![], true);
    let before = pair.server.sections(MediaKind::Audio).len();
    assert_eq!(before, 3);
    for _ in 0..2 {
        let more = MediaSectionsRequirement {
            num_audios: 2,
            num_videos: 1,
        };
        let response = SignalResponse {
            message: Some(tell::Message::MediaSectionsRequirement(more)),
        };
        pair.client.handle_signal(response, pair.world.now());
    }
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.server.sections(MediaKind::Audio).len(), 7);
    assert_eq!(pair.server.sections(MediaKind::Video).len(), 5);
    let offers = pair.server.requests.iter();
    let offers = offers
        .filter(|r| matches!(r, ask::Message::Offer(_)))
        .count();
    assert_eq!(offers, 2, "the second waited for the first answer");
}

#[test]
fn silence_and_unanswered_joins_are_faults() {
    let mut pair = Pair::new(vec![], true);
    pair.run(CONNECT_TIMEOUT + Duration::from_millis(10));
    let faults: Vec<_> = pair
        .client
        .faults()
        .iter()
        .map(|(fault, ..)| fault)
        .collect();
    assert_eq!(faults, [Fault::ConnectTimeout]);
    assert!(pair.client.is_finished());

    let mut pair = Pair::joined(vec![], true);
    pair.run(Duration::from_secs(16));
    let pings = pair.server.requests.iter();
    assert!(
        pings
            .filter(|r| matches!(r, ask::Message::PingReq(_)))
            .count()
            >= 2
    );
    let faults: Vec<_> = pair
        .client
        .faults()
        .iter()
        .map(|(fault, ..)| fault)
        .collect();
    assert_eq!(faults, [Fault::SignalTimeout]);
}

#[test]
fn leaving_says_so() {
    let mut pair = Pair::joined(vec![], true);
    pair.client.leave(pair.world.now());
    let leave = pair.client.poll_signal().unwrap().message.unwrap();
    assert!(matches!(leave, ask::Message::Leave(_)));
    assert!(pair.client.is_finished());
    assert_eq!(Client::poll_timeout(&pair.client), None);
}

/// Two peers over a bad path: the same seed gives the same run.
fn lossy_run(seed: u64) -> (u64, usize) {
    let mut pair = Pair::new(vec![Publish::Video(Encoding::HD.to_vec())], false);
    let origin = pair.world.now();
    pair.world = World::new(seed, origin);
    pair.join();
    pair.set_links(Profile {
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(10),
        loss: 0.05,
        reorder: 0.01,
        rate: 3_000_000,
        queue: 60_000,
    });
    pair.server.received.clear();
    pair.world.trace_from_here();
    pair.run(Duration::from_secs(5));
    for packet in &pair.server.received {
        let at = packet.timestamp - origin.at;
        pair.world
            .note(&[*packet.seq_no, u64::try_from(at.as_nanos()).unwrap()]);
    }
    (pair.world.trace(), pair.server.received.len())
}

#[test]
fn a_seed_decides_the_run() {
    let (trace, received) = lossy_run(1);
    assert!(received > 600, "{received}");
    assert_eq!((trace, received), lossy_run(1));
    assert_ne!(trace, lossy_run(2).0);
}
