use std::time::{Duration, Instant};

use surecast_media::control::{Announcement, Demand, Kind, PeerRole};
use surecast_media::id::{RoomId, TrackId};
use surecast_room::Grants;
use surecast_room::proto;

use super::*;

struct Bench {
    tap: Tap,
    queue: mpsc::Receiver<Message>,
    start: Instant,
}

const PEER: PeerId = PeerId(1);
const TRACK: TrackId = TrackId(7);

impl Bench {
    fn new(room: usize) -> Self {
        let (sender, queue) = mpsc::channel(room);
        let region = "local".parse().unwrap();
        Self {
            tap: Tap::new(sender, region, Arc::new(Metrics::new())),
            queue,
            start: Instant::now(),
        }
    }

    fn now(&self) -> Now {
        Now {
            at: self.start,
            unix_ms: 1_780_000_000_000,
        }
    }

    fn join(&mut self, refused: Option<&JoinError>) {
        let now = self.now();
        let join = Join {
            grants: Grants {
                identity: "anna".into(),
                ..Grants::default()
            },
            room: "r".into(),
            ..Join::default()
        };
        self.tap.join_begins(&join, now);
        if refused.is_none() {
            self.command(MediaCommand::AddPeer {
                peer: PEER,
                room: RoomId(1),
                role: PeerRole::Single,
            });
            let participant = proto::ParticipantInfo {
                sid: "PA_1".into(),
                ..Default::default()
            };
            let said = Said::Join(proto::JoinResponse {
                participant: Some(participant),
                ..Default::default()
            });
            let message = proto::SignalResponse {
                message: Some(said),
            };
            let output = Output::Signal {
                session: surecast_room::SessionId(1),
                message: Box::new(message),
            };
            self.tap.output(&output, now);
        }
        self.tap.join_decided(refused);
    }

    fn command(&mut self, command: MediaCommand) {
        let room = RoomId(1);
        self.tap
            .output(&Output::Media { room, command }, self.now());
    }

    fn ends(&mut self, outcome: JoinOutcome) {
        let tap = RoomTap::Join {
            room: "r".into(),
            identity: "anna".into(),
            participant: "PA_1".into(),
            signalling: 1,
            outcome,
            total: Duration::from_millis(90),
            ice: Some(Duration::from_millis(40)),
            dtls: Some(Duration::from_millis(20)),
        };
        self.tap.output(&Output::Tap(Box::new(tap)), self.now());
    }

    fn media(&mut self, event: &MediaEvent) {
        self.tap.media(event, self.now());
    }

    fn told(&mut self) -> Vec<&'static str> {
        let mut told = Vec::new();
        while let Ok(message) = self.queue.try_recv() {
            match message {
                Message::Sample(sample) => told.push(name(&sample.what)),
                Message::Lost { state, .. } => {
                    told.push("lost");
                    told.extend(state.iter().map(|sample| name(&sample.what)));
                }
                Message::Stalled { .. } => told.push("stalled"),
            }
        }
        told
    }

    fn subscribe(&mut self) {
        self.command(MediaCommand::Announce {
            peer: PeerId(2),
            announcement: Announcement {
                track: TRACK,
                sid: "TR_1".into(),
                kind: Kind::Video,
                codecs: Vec::new(),
                layers: Vec::new(),
                disable_red: false,
                stereo: false,
                dtx: false,
                screen_share: false,
            },
        });
        self.command(MediaCommand::Subscribe {
            peer: PEER,
            track: TRACK,
            stream_id: String::new(),
            demand: Demand::default(),
        });
    }
}

fn connected() -> MediaEvent {
    MediaEvent::Connected {
        peer: PEER,
        ice: Duration::ZERO,
        dtls: Duration::ZERO,
    }
}

#[test]
fn an_attempt_ends_in_one_way() {
    use DisconnectReason as R;
    for (outcome, told) in [
        (JoinOutcome::Joined, "joined"),
        (JoinOutcome::Aborted(R::ClientInitiated), "join_given_up"),
        (JoinOutcome::Aborted(R::JoinFailure), "join_failed"),
        (JoinOutcome::Aborted(R::ConnectionTimeout), "join_failed"),
    ] {
        let mut bench = Bench::new(QUEUE);
        bench.join(None);
        bench.ends(outcome);
        assert_eq!(bench.told(), ["join_started", told]);
    }
}

#[test]
fn only_what_the_server_cannot_give_is_its_fault() {
    let mut bench = Bench::new(QUEUE);
    bench.join(Some(&JoinError::RoomFull { limit: 1 }));
    assert!(bench.told().is_empty());
    bench.join(Some(&JoinError::TooManyRooms { limit: 1 }));
    assert_eq!(bench.told(), ["join_started", "join_failed"]);
    // The next attempt is the same participant's.
    bench.join(None);
    let message = bench.queue.try_recv().unwrap();
    assert!(matches!(message, Message::Sample(s) if s.session == SessionId(1)));
}

#[test]
fn media_is_followed_from_the_first_packet_to_the_end() {
    let mut bench = Bench::new(QUEUE);
    bench.join(None);
    bench.media(&connected());
    bench.ends(JoinOutcome::Joined);
    bench.told();
    bench.subscribe();
    assert!(bench.told().is_empty(), "its publisher sends nothing yet");
    let (peer, track) = (PEER, TRACK);
    let mime = "video/VP8".to_owned();
    bench.media(&MediaEvent::TrackLive { track, mime });
    bench.media(&MediaEvent::SubscriptionLive { peer, track });
    assert_eq!(bench.told(), ["media_wanted", "media_flowing"]);
    bench.media(&MediaEvent::Disconnected { peer });
    bench.media(&connected());
    assert_eq!(bench.told(), ["media_frozen", "media_flowing"]);
    bench.command(MediaCommand::Mute { track, muted: true });
    bench.media(&MediaEvent::Disconnected { peer });
    assert_eq!(bench.told(), ["media_unwanted"]);
    bench.command(MediaCommand::RemovePeer { peer });
    assert_eq!(bench.told(), ["left"]);
}

#[test]
fn what_is_subscribed_while_joining_is_seen() {
    let mut bench = Bench::new(QUEUE);
    let now = bench.now();
    bench.tap.join_begins(&Join::default(), now);
    bench.command(MediaCommand::AddPeer {
        peer: PEER,
        room: RoomId(1),
        role: PeerRole::Single,
    });
    bench.subscribe();
    bench.tap.join_decided(None);
    bench.media(&connected());
    let (peer, track) = (PEER, TRACK);
    let mime = "video/VP8".to_owned();
    bench.media(&MediaEvent::TrackLive { track, mime });
    bench.media(&MediaEvent::SubscriptionLive { peer, track });
    let told = ["join_started", "media_wanted", "media_flowing"];
    assert_eq!(bench.told(), told);
}

#[test]
fn a_full_queue_never_blocks_and_what_was_lost_is_told() {
    let mut bench = Bench::new(QUEUE);
    bench.join(None);
    bench.media(&connected());
    bench.ends(JoinOutcome::Joined);
    bench.subscribe();
    let (peer, track) = (PEER, TRACK);
    let mime = "video/VP8".to_owned();
    bench.media(&MediaEvent::TrackLive { track, mime });
    bench.media(&MediaEvent::SubscriptionLive { peer, track });
    for muted in (0..QUEUE).map(|n| n % 2 == 0) {
        bench.command(MediaCommand::Mute { track, muted });
    }
    let at = bench.start;
    bench.media(&MediaEvent::StreamFlowing { peer, track, at });
    assert_eq!(bench.told().len(), QUEUE);
    bench.tap.flush(bench.now());
    assert_eq!(
        bench.told(),
        ["lost", "joined", "media_wanted", "media_flowing"]
    );
}

#[test]
fn a_freeze_counts_from_the_last_frame_and_a_mute_ends_it() {
    let mut bench = Bench::new(QUEUE);
    bench.join(None);
    bench.media(&connected());
    bench.ends(JoinOutcome::Joined);
    bench.subscribe();
    let (peer, track) = (PEER, TRACK);
    let mime = "video/VP8".to_owned();
    bench.media(&MediaEvent::TrackLive { track, mime });
    bench.media(&MediaEvent::SubscriptionLive { peer, track });
    bench.told();
    let (start, second) = (bench.start, Duration::from_secs(1));
    let froze = |since| MediaEvent::StreamFrozen { peer, track, since };
    let flows = |at| MediaEvent::StreamFlowing { peer, track, at };
    let mut now = bench.now().after(10 * second);
    bench.tap.media(&froze(start + 7 * second), now);
    bench.tap.media(&flows(start + 9 * second), now);
    let at = |message| match message {
        Ok(Message::Sample(sample)) => (name(&sample.what), sample.at.as_millisecond()),
        other => panic!("{other:?}"),
    };
    let zero = 1_780_000_000_000;
    assert_eq!(at(bench.queue.try_recv()), ("media_frozen", zero + 7_000));
    assert_eq!(at(bench.queue.try_recv()), ("media_flowing", zero + 9_000));
    // Not before it was told to flow.
    bench.tap.media(&froze(start), now);
    assert_eq!(at(bench.queue.try_recv()), ("media_frozen", zero + 9_000));
    now = now.after(second);
    for muted in [true, false] {
        let command = MediaCommand::Mute { track, muted };
        let room = RoomId(1);
        bench.tap.output(&Output::Media { room, command }, now);
    }
    // It is awaited like a new one.
    assert_eq!(bench.told(), ["media_unwanted", "media_wanted"]);
    bench.tap.media(&flows(now.at), now);
    assert_eq!(bench.told(), ["media_flowing"]);
    for enabled in [false, true] {
        let demand = Demand {
            enabled,
            ..Demand::default()
        };
        bench.command(MediaCommand::SetDemand {
            peer,
            track,
            demand,
        });
    }
    assert_eq!(bench.told(), ["media_unwanted", "media_wanted"]);
}

#[test]
fn delay_is_told_as_it_is_measured() {
    let mut bench = Bench::new(QUEUE);
    bench.join(None);
    bench.told();
    let health = |media_delay| MediaEvent::Health {
        peer: PEER,
        health: surecast_media::control::PeerHealth {
            media_delay,
            ..Default::default()
        },
    };
    bench.media(&health(None));
    assert!(bench.told().is_empty());
    bench.media(&health(Some(Duration::from_millis(120))));
    assert_eq!(bench.told(), ["delay"]);
}
