//! Everything that is said in two short calls, as snapshots.

use std::fmt::Write as _;
use std::time::Duration;

use surecast_media::control::{MediaCommand, MediaEvent};
use surecast_media::id::{PeerId, TrackId};
use surecast_media::time::Now;

use super::world::{join, join_v0, microphone};
use crate::proto;
use crate::proto::signal_request::Message as Ask;
use crate::{Join, Output, Rooms, SessionId, Settings};

struct Trace {
    rooms: Rooms,
    now: Now,
    text: String,
}

impl Trace {
    fn new() -> Self {
        #[allow(clippy::disallowed_methods)]
        let at = std::time::Instant::now();
        Self {
            rooms: Rooms::new(Settings::default(), 1),
            now: Now {
                at,
                unix_ms: 1_700_000_000_000,
            },
            text: String::new(),
        }
    }

    fn step(&mut self, what: &str) -> Vec<Output> {
        self.now = self.now.after(Duration::from_millis(10));
        writeln!(self.text, "# {what}").unwrap();
        let outputs: Vec<_> = std::iter::from_fn(|| self.rooms.poll_output()).collect();
        for output in &outputs {
            let line = match output {
                Output::Signal { session, message } => {
                    // Sorted keys, so that maps have one order.
                    let json = serde_json::to_value(message).unwrap();
                    format!("{session} <- {json}")
                }
                Output::Media { room, command } => format!("{room} media {command:?}"),
                Output::Event(event) => format!("event {}", event.name),
                Output::RefreshToken { session, grants } => {
                    format!("{session} token for {}", grants.identity)
                }
                Output::CloseSession { session } => format!("{session} close"),
                Output::Tap(tap) => format!("tap {tap:?}"),
            };
            writeln!(self.text, "{line}").unwrap();
        }
        outputs
    }

    fn join(&mut self, join: Join) -> (SessionId, Vec<Output>) {
        let what = format!("{} joins", join.grants.identity);
        let session = self.rooms.handle_join(join, self.now).unwrap();
        (session, self.step(&what))
    }

    fn ask(&mut self, what: &str, session: SessionId, ask: Ask) -> Vec<Output> {
        self.rooms.handle_signal(
            session,
            proto::SignalRequest { message: Some(ask) },
            self.now,
        );
        self.step(what)
    }

    fn media(&mut self, what: &str, event: MediaEvent) -> Vec<Output> {
        self.rooms.handle_media(event, self.now);
        self.step(what)
    }

    /// Alice publishes, Bob watches and leaves.
    fn call(&mut self, of: fn(&str) -> Join) {
        let (ice, dtls) = (Duration::from_millis(20), Duration::from_millis(30));
        let (alice, _) = self.join(of("alice"));
        let (bob, outputs) = self.join(of("bob"));
        let bobs_peers: Vec<_> = outputs.iter().filter_map(peer_of).collect();
        let offer = proto::SessionDescription {
            r#type: "offer".into(),
            sdp: "v=0".into(),
            id: 1,
            ..Default::default()
        };
        self.ask("alice announces", alice, Ask::AddTrack(microphone("mic")));
        let outputs = self.ask("alice offers", alice, Ask::Offer(offer));
        let Some(Output::Media {
            command: MediaCommand::Offer { peer, .. },
            ..
        }) = outputs.first()
        else {
            panic!()
        };
        let alices_peer = *peer;
        self.media(
            "the engine answers",
            MediaEvent::Answer {
                peer: alices_peer,
                sdp: "v=0".into(),
                id: 1,
                mid_to_track: vec![],
            },
        );
        let track = self.track();
        self.media(
            "it is bound",
            MediaEvent::TrackBound {
                track,
                mid: "0".into(),
                mime: "audio/opus".into(),
                simulcast: false,
            },
        );
        let down = *bobs_peers.last().unwrap();
        self.media(
            "bob's media is up",
            MediaEvent::Connected {
                peer: down,
                ice,
                dtls,
            },
        );
        self.media(
            "alice sends",
            MediaEvent::TrackLive {
                track,
                mime: "audio/opus".into(),
            },
        );
        self.media(
            "bob receives",
            MediaEvent::SubscriptionLive { peer: down, track },
        );
        self.ask(
            "bob leaves",
            bob,
            Ask::Leave(proto::LeaveRequest::default()),
        );
    }

    /// The one track, as the trace names it.
    fn track(&self) -> TrackId {
        let after = self
            .text
            .split("Announcement { track: track-")
            .nth(1)
            .expect("an announcement");
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        TrackId(digits.parse().expect("a number"))
    }
}

fn peer_of(output: &Output) -> Option<PeerId> {
    match output {
        Output::Media {
            command: MediaCommand::AddPeer { peer, .. },
            ..
        } => Some(*peer),
        _ => None,
    }
}

#[test]
fn a_call_on_v1() {
    let mut trace = Trace::new();
    trace.call(join);
    insta::assert_snapshot!(trace.text);
}

#[test]
fn a_call_on_v0() {
    let mut trace = Trace::new();
    trace.call(join_v0);
    insta::assert_snapshot!(trace.text);
}
