//! Two endpoints over a network in virtual time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// Two endpoints; datagrams take 20 ms and are lost as told.
struct Network {
    now: Instant,
    ends: [(SocketAddr, Endpoint); 2],
    on_the_way: Vec<(Instant, usize, Transmit)>,
    rng: fastrand::Rng,
    loss: f64,
    events: [Vec<Event>; 2],
    sent: usize,
}

fn settings(passphrase: Option<&str>) -> Settings {
    Settings {
        passphrase: passphrase.map(|text| Passphrase::new(text.to_owned()).unwrap()),
        ..Settings::default()
    }
}

impl Network {
    fn new(listener: Settings, loss: f64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "any beginning will do")]
        let now = Instant::now();
        let caller = Settings {
            listen: false,
            ..Settings::default()
        };
        Self {
            now,
            ends: [
                (
                    SocketAddr::from(([10, 0, 0, 1], 1000)),
                    Endpoint::new(caller, [1; 32], now),
                ),
                (
                    SocketAddr::from(([10, 0, 0, 2], 8890)),
                    Endpoint::new(listener, [2; 32], now),
                ),
            ],
            on_the_way: Vec::new(),
            rng: fastrand::Rng::with_seed(7),
            loss,
            events: Default::default(),
            sent: 0,
        }
    }

    fn call(&mut self, stream_id: &str, passphrase: Option<&str>) -> ConnectionId {
        let call = Call {
            to: self.ends[1].0,
            stream_id: stream_id.to_owned(),
            passphrase: passphrase.map(|text| Passphrase::new(text.to_owned()).unwrap()),
            latency_ms: 200,
        };
        let now = self.now;
        self.ends[0].1.connect(call, now).unwrap()
    }

    /// Lets a millisecond pass.
    fn step(&mut self) {
        self.now += Duration::from_millis(1);
        let arrived: Vec<_> = self
            .on_the_way
            .extract_if(.., |(at, _, _)| *at <= self.now)
            .collect();
        for (_, from, transmit) in arrived {
            let from = self.ends[from].0;
            if let Some((_, end)) = self
                .ends
                .iter_mut()
                .find(|(address, _)| *address == transmit.to)
            {
                end.handle_datagram(from, &transmit.data, self.now);
            }
        }
        for (index, (_, end)) in self.ends.iter_mut().enumerate() {
            if end.poll_timeout().is_some_and(|at| at <= self.now) {
                end.handle_timeout(self.now);
            }
            while let Some(transmit) = end.poll_transmit() {
                self.sent += 1;
                if self.rng.f64() >= self.loss {
                    self.on_the_way
                        .push((self.now + Duration::from_millis(20), index, transmit));
                }
            }
            while let Some(event) = end.poll_event() {
                self.events[index].push(event);
            }
        }
    }

    fn run(&mut self, millis: usize) {
        for _ in 0..millis {
            self.step();
        }
    }

    /// Lets the caller in; both numbers of the connection.
    fn connect(&mut self, stream_id: &str, passphrase: Option<&str>) -> [ConnectionId; 2] {
        let ours = self.call(stream_id, passphrase);
        self.run(1000);
        let Some(Event::Request {
            id,
            stream_id: asked,
            ..
        }) = self.events[1].pop()
        else {
            panic!("no request: {:?}", self.events);
        };
        assert_eq!(asked, stream_id);
        let now = self.now;
        assert!(self.ends[1].1.accept(id, now));
        self.run(1000);
        assert_eq!(self.events[0].pop(), Some(Event::Connected { id: ours }));
        [ours, id]
    }
}

fn payloads(events: &[Event]) -> Vec<Bytes> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Data { payload, .. } => Some(payload.clone()),
            _ => None,
        })
        .collect()
}

fn transfer(network: &mut Network, from: usize, id: ConnectionId, packets: u32) {
    for number in 0..packets {
        let now = network.now;
        let data = number.to_be_bytes().repeat(47 * 7);
        assert!(network.ends[from].1.send(id, &data, 1316, now));
        network.run(2);
    }
    network.run(1000);
}

#[track_caller]
fn all_came(network: &Network, at: usize, packets: u32) {
    let seen = payloads(&network.events[at]);
    let numbers: Vec<u32> = seen
        .iter()
        .map(|payload| u32::from_be_bytes(*payload.first_chunk().unwrap()))
        .collect();
    assert_eq!(numbers, (0..packets).collect::<Vec<_>>());
}

#[test]
fn loss_is_repaired_in_both_directions() {
    for passphrase in [None, Some("correct horse")] {
        let mut network = Network::new(settings(passphrase), 0.05);
        let [caller, listener] = network.connect("publish:show", passphrase);
        transfer(&mut network, 0, caller, 1500);
        all_came(&network, 1, 1500);
        let counted = network.ends[1].1.statistics(listener).unwrap().received;
        assert!(counted.missed > 30 && counted.lost == 0, "{counted:?}");
        transfer(&mut network, 1, listener, 1500);
        all_came(&network, 0, 1500);
        assert!(
            network.ends[1]
                .1
                .statistics(listener)
                .unwrap()
                .sent
                .retransmitted
                > 30
        );
    }
}

#[test]
fn a_wrong_passphrase_is_refused() {
    for (listener, caller, reason) in [
        (
            Some("correct horse"),
            Some("wrong staple"),
            Reject::BAD_SECRET,
        ),
        (Some("correct horse"), None, Reject::UNSECURE),
        (None, Some("wrong staple"), Reject::UNSECURE),
    ] {
        let mut network = Network::new(settings(listener), 0.0);
        let id = network.call("publish:show", caller);
        network.run(500);
        assert_eq!(
            network.events[0],
            [Event::Closed {
                id,
                reason: Closed::Refused(reason)
            }]
        );
        assert_eq!(network.events[1], []);
    }
}

#[test]
fn what_is_refused_says_why() {
    let mut network = Network::new(settings(None), 0.0);
    let ours = network.call("publish:show", None);
    network.run(500);
    let Some(Event::Request { id, .. }) = network.events[1].pop() else {
        panic!("no request");
    };
    let now = network.now;
    network.ends[1].1.reject(id, Reject::from_http(401), now);
    network.run(100);
    let reason = Closed::Refused(Reject(1401));
    assert_eq!(network.events[0], [Event::Closed { id: ours, reason }]);
}

#[test]
fn nobody_there_and_nobody_any_more() {
    let mut network = Network::new(settings(None), 1.0);
    let id = network.call("publish:show", None);
    network.run(4000);
    assert_eq!(
        network.events[0],
        [Event::Closed {
            id,
            reason: Closed::Refused(Reject::TIMEOUT)
        }]
    );

    let mut network = Network::new(settings(None), 0.0);
    let [caller, listener] = network.connect("publish:show", None);
    network.run(20_000);
    assert_eq!(network.events, [vec![], vec![]], "keepalives keep it");
    network.loss = 1.0;
    network.run(6_000);
    assert_eq!(
        network.events[0],
        [Event::Closed {
            id: caller,
            reason: Closed::Silent
        }]
    );
    assert_eq!(
        network.events[1],
        [Event::Closed {
            id: listener,
            reason: Closed::Silent
        }]
    );
    assert_eq!(network.ends[1].1.poll_timeout(), None);
}

#[test]
fn a_shutdown_ends_both() {
    let mut network = Network::new(settings(None), 0.0);
    let [caller, listener] = network.connect("show", None);
    let now = network.now;
    network.ends[0].1.close(caller, now);
    network.run(100);
    assert_eq!(
        network.events[1],
        [Event::Closed {
            id: listener,
            reason: Closed::ByPeer
        }]
    );
}

#[test]
fn replayed_and_foreign_datagrams_do_no_harm() {
    let mut network = Network::new(settings(None), 0.0);
    let [caller, listener] = network.connect("publish:show", None);
    let now = network.now;
    assert!(network.ends[0].1.send(caller, b"once", 1316, now));
    let Some(transmit) = network.ends[0].1.poll_transmit() else {
        panic!("nothing sent");
    };
    let (from, stranger) = (network.ends[0].0, SocketAddr::from(([10, 0, 0, 9], 1)));
    for _ in 0..1000 {
        network.ends[1]
            .1
            .handle_datagram(stranger, &transmit.data, now);
        network.ends[1].1.handle_datagram(from, &transmit.data, now);
    }
    network.run(500);
    assert_eq!(payloads(&network.events[1]), ["once"]);
    let counted = network.ends[1].1.statistics(listener).unwrap().received;
    assert_eq!((counted.packets, counted.useless), (1, 999));
}

#[test]
fn ten_thousand_half_open_calls_leave_nothing() {
    let mut network = Network::new(settings(None), 0.0);
    let now = network.now;
    let (_, listener) = &mut network.ends[1];
    let mut induction = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut body = [0; 48];
    body[3] = 4;
    body[23] = 1;
    induction.extend(body);
    for port in 1..10_000 {
        listener.handle_datagram(SocketAddr::from(([10, 1, 0, 1], port)), &induction, now);
    }
    assert_eq!(listener.poll_timeout(), None, "nothing to wait for");
    // A conclusion whose cookie is not ours is not answered.
    let mut answers = 0;
    while listener.poll_transmit().is_some() {
        answers += 1;
    }
    assert_eq!(answers, 9_999);
    let mut conclusion = induction;
    conclusion[16 + 20..16 + 24].copy_from_slice(&[0xff; 4]);
    listener.handle_datagram(SocketAddr::from(([10, 1, 0, 1], 5)), &conclusion, now);
    assert_eq!(listener.poll_transmit(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        fuzz_srt(&bytes);
    }

    #[test]
    fn any_control_packet(packets: Vec<(u8, Vec<u32>)>) {
        let mut input = Vec::new();
        for (kind, words) in packets {
            let mut packet = vec![0x80, kind & 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
            packet.extend(words.iter().take(50).flat_map(|word| word.to_be_bytes()));
            input.push(packet.len() as u8);
            input.extend(packet);
            input.extend([20, 0, 0, 0]);
            input.extend(words.first().copied().unwrap_or(0).to_be_bytes());
            input.extend([0; 4]);
            input.extend([0, 0, 0, 1, 1, 2, 3, 4, 255]);
        }
        fuzz_srt(&input);
    }
}
