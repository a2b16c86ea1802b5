//! All connections of one UDP socket.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use bytes::Bytes;

use super::caller::{Call, Calling};
use super::connection::{Agreed, Connection, Outputs};
use super::crypto::Passphrase;
use super::handshake::{Handshake, Reject};
use super::listener::{Budget, Waiting};
use super::packet::{Control, MAX_PAYLOAD, Packet, control, write_control};
use super::receiver::Received;
use super::sender::Sent;

/// The pace of the protocol: acknowledgements, deliveries (§4.8.1: 10 ms).
const TICK: i64 = 10_000;
/// While packets wait for their turn.
const BUSY_TICK: i64 = 1_000;

/// A connection or a call, by the number of our socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(super) u32);

/// How an endpoint behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether calls are answered. Otherwise the endpoint only calls.
    pub listen: bool,
    /// What a stream is held back so that lost packets can come again, in
    /// milliseconds, at least; a caller may ask for more.
    pub latency_ms: u16,
    /// Callers must have it; without one, callers that encrypt are refused.
    pub passphrase: Option<Passphrase>,
    /// Connections open at a time, those that wait for an answer included. Each
    /// keeps at most 24 MB, in practice what its latency holds.
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: true,
            latency_ms: 120,
            passphrase: None,
            max_connections: 512,
        }
    }
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub to: SocketAddr,
    /// Its bytes.
    pub data: Bytes,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Someone calls. To be answered by [`Endpoint::accept`] or
    /// [`Endpoint::reject`] within 3 seconds, after which callers give up.
    Request {
        /// Which.
        id: ConnectionId,
        /// Who.
        from: SocketAddr,
        /// As sent; empty where nothing was.
        stream_id: String,
        /// Whether it encrypts.
        encrypted: bool,
    },
    /// A call was answered.
    Connected {
        /// Which.
        id: ConnectionId,
    },
    /// A payload, in order, when it is due.
    Data {
        /// Of which connection.
        id: ConnectionId,
        /// What one packet carried.
        payload: Bytes,
    },
    /// The connection or the call is over; its number means nothing any more.
    Closed {
        /// Which.
        id: ConnectionId,
        /// Why.
        reason: Closed,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The other side said so.
    ByPeer,
    /// Nothing was heard of it for five seconds.
    Silent,
    /// The call was refused, or not answered.
    Refused(Reject),
    /// Who called gave up before it was answered.
    Abandoned,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByPeer => "the other side closed the connection",
            Self::Silent => "nothing was heard for 5 seconds",
            Self::Refused(reason) => reason.words(),
            Self::Abandoned => "the caller gave up",
        })
    }
}

/// What a connection counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// What came in.
    pub received: Received,
    /// What went out.
    pub sent: Sent,
    /// Round trip.
    pub rtt: Duration,
}

/// All connections of one UDP socket.
///
/// After each `handle_*` and each command, what it has to say is taken by
/// [`Self::poll_transmit`] and [`Self::poll_event`] until there is none, and
/// [`Self::handle_timeout`] called when [`Self::poll_timeout`] says.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) settings: Settings,
    secret: hmac::Key,
    drawn: u64,
    epoch: Instant,
    connections: HashMap<u32, Connection>,
    pub(super) waiting: HashMap<u32, Waiting>,
    pub(super) calling: HashMap<u32, Calling>,
    /// Connections by who called, to recognise a call that is repeated.
    pub(super) callers: HashMap<(SocketAddr, u32), u32>,
    pub(super) budget: Budget,
    pub(super) out: Outputs,
    /// When all was looked after, and when packets last had their turn.
    ticked: i64,
    flushed: i64,
}

impl Endpoint {
    /// `secret`: 32 random bytes, from which cookies, socket numbers and keys
    /// are made.
    #[must_use]
    pub fn new(settings: Settings, secret: [u8; 32], now: Instant) -> Self {
        Self {
            settings,
            secret: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            drawn: 0,
            epoch: now,
            connections: HashMap::new(),
            waiting: HashMap::new(),
            calling: HashMap::new(),
            callers: HashMap::new(),
            budget: Budget::default(),
            out: Outputs::default(),
            ticked: 0,
            flushed: 0,
        }
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let now = self.micros(now);
        match Packet::parse(datagram) {
            None => {}
            Some(Packet::Control(packet)) if packet.kind == control::HANDSHAKE => {
                if let Some(handshake) = Handshake::parse(packet.body) {
                    self.handshake(from, &packet, &handshake, now);
                }
            }
            Some(Packet::Control(packet)) => {
                let Some(connection) = find(&mut self.connections, packet.to, from) else {
                    return;
                };
                if !connection.control(&packet, now, &mut self.out) {
                    let id = connection.id;
                    self.closed(id, Closed::ByPeer);
                }
            }
            Some(Packet::Data(packet)) => {
                if let Some(connection) = find(&mut self.connections, packet.to, from) {
                    connection.data(&packet, now, &mut self.out);
                }
            }
        }
    }

    fn handshake(
        &mut self,
        from: SocketAddr,
        packet: &Control<'_>,
        handshake: &Handshake,
        now: i64,
    ) {
        if self.calling.contains_key(&packet.to) {
            self.answered(packet.to, from, handshake, now);
        } else if self.settings.listen {
            self.called(from, packet, handshake, now);
        }
    }

    /// The time that [`Self::poll_timeout`] told has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.micros(now);
        self.flushed = now;
        if now - self.ticked < TICK {
            for connection in self.connections.values_mut() {
                connection.flush(now, &mut self.out);
            }
            return;
        }
        self.ticked = now;
        let out = &mut self.out;
        let silent: Vec<ConnectionId> = self
            .connections
            .values_mut()
            .filter_map(|connection| (!connection.tick(now, out)).then_some(connection.id))
            .collect();
        for id in silent {
            self.closed(id, Closed::Silent);
        }
        self.expire_waiting(now);
        self.repeat_calls(now);
    }

    /// When [`Self::handle_timeout`] is to be called; `None` while there is
    /// nobody.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.connections.is_empty() && self.waiting.is_empty() && self.calling.is_empty() {
            return None;
        }
        let busy = self
            .connections
            .values()
            .any(|connection| connection.sender.is_waiting());
        let tick = self.ticked + TICK;
        let at = if busy {
            tick.min(self.flushed + BUSY_TICK)
        } else {
            tick
        };
        Some(self.epoch + Duration::from_micros(u64::try_from(at).unwrap_or(0)))
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.transmits.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// Sends bytes, cut into payloads of at most `payload` bytes (7 packets of
    /// MPEG-TS: 1316). False where there is no such connection; its end, if it
    /// had one, was told.
    pub fn send(&mut self, id: ConnectionId, data: &[u8], payload: usize, now: Instant) -> bool {
        let now = self.micros(now);
        let Some(connection) = self.connections.get_mut(&id.0) else {
            return false;
        };
        let sent = data
            .chunks(payload.clamp(1, MAX_PAYLOAD))
            .all(|payload| connection.send(payload, now));
        connection.flush(now, &mut self.out);
        sent
    }

    /// Ends a connection, a call, or the wait for an answer. Nothing more is
    /// told about it.
    pub fn close(&mut self, id: ConnectionId, now: Instant) {
        let micros = self.micros(now);
        if self.waiting.contains_key(&id.0) {
            return self.reject(id, Reject::CLOSE, now);
        }
        self.calling.remove(&id.0);
        if let Some(mut connection) = self.remove(id) {
            connection.shut_down(micros, &mut self.out);
        }
    }

    /// Ends all of them.
    pub fn close_all(&mut self, now: Instant) {
        let waiting = self.waiting.keys().copied();
        let all: Vec<u32> = self.connections.keys().copied().chain(waiting).collect();
        for id in all {
            self.close(ConnectionId(id), now);
        }
        self.calling.clear();
    }

    /// What a connection counted; `None` where it is not open.
    #[must_use]
    pub fn statistics(&self, id: ConnectionId) -> Option<Statistics> {
        let connection = self.connections.get(&id.0)?;
        Some(Statistics {
            received: connection.receiver.counted,
            sent: connection.sender.counted,
            rtt: Duration::from_micros(u64::try_from(connection.receiver.rtt).unwrap_or(0)),
        })
    }

    /// Opens a connection; it is told by [`Event::Connected`] or
    /// [`Event::Closed`]. `None` where there are too many.
    pub fn connect(&mut self, call: Call, now: Instant) -> Option<ConnectionId> {
        let now = self.micros(now);
        self.has_room().then(|| self.call(call, now))
    }

    pub(super) fn has_room(&self) -> bool {
        let all = self.connections.len() + self.waiting.len() + self.calling.len();
        all < self.settings.max_connections
    }

    pub(super) fn micros(&self, now: Instant) -> i64 {
        let since = now.saturating_duration_since(self.epoch).as_micros();
        i64::try_from(since).unwrap_or(i64::MAX)
    }

    /// Random bytes, never the same ones.
    pub(super) fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        self.sign(&[b"draw", &self.drawn.to_be_bytes()[..]].concat())
    }

    pub(super) fn sign(&self, data: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.secret, data);
        tag.as_ref().first_chunk().copied().unwrap_or([0; 32])
    }

    /// A number for a socket that is free, and not 0.
    pub(super) fn free_id(&mut self) -> u32 {
        loop {
            let [a, b, c, d, ..] = self.draw();
            // The upper bits are left clear: some implementations take them as
            // flags of groups.
            let id = u32::from_be_bytes([a, b, c, d]) & 0x3fff_ffff;
            let taken = self.connections.contains_key(&id)
                || self.waiting.contains_key(&id)
                || self.calling.contains_key(&id);
            if id != 0 && !taken {
                return id;
            }
        }
    }

    /// A handshake is complete.
    pub(super) fn open(&mut self, agreed: Agreed, began: i64, answer: Option<Bytes>, now: i64) {
        let id = agreed.id.0;
        let mut connection = Connection::new(agreed, began, now);
        connection.answer = answer;
        self.connections.insert(id, connection);
    }

    pub(super) fn connection(&self, id: u32) -> Option<&Connection> {
        self.connections.get(&id)
    }

    fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        let connection = self.connections.remove(&id.0)?;
        self.callers.remove(&(connection.peer, connection.to));
        Some(connection)
    }

    fn closed(&mut self, id: ConnectionId, reason: Closed) {
        if let Some(mut connection) = self.remove(id) {
            // What is held back and came in order is still of use.
            while let Some(payload) = connection.receiver.deliver(i64::MAX) {
                self.out.events.push_back(Event::Data { id, payload });
            }
            self.out.events.push_back(Event::Closed { id, reason });
        }
    }

    /// Sends a handshake. `time`: microseconds since the call or its request.
    pub(super) fn say_handshake(
        &mut self,
        peer: SocketAddr,
        to: u32,
        handshake: &Handshake,
        time: i64,
    ) -> Bytes {
        let body = handshake.write();
        let data = write_control(&Control {
            kind: control::HANDSHAKE,
            subtype: 0,
            info: 0,
            time: time as u32,
            to,
            body: &body,
        });
        self.out.transmits.push_back(Transmit {
            to: peer,
            data: data.clone(),
        });
        data
    }
}

/// The connection that a datagram means, if it comes from where its peer is.
fn find(
    connections: &mut HashMap<u32, Connection>,
    to: u32,
    from: SocketAddr,
) -> Option<&mut Connection> {
    connections
        .get_mut(&to)
        .filter(|connection| connection.peer == from)
}

/// See [`super::fuzz_srt`].
pub(super) fn fuzz(bytes: &[u8]) {
    // The clock of a fuzzer may be any; only differences count.
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can be had from nowhere else"
    )]
    let epoch = Instant::now();
    let from = SocketAddr::from(([127, 0, 0, 1], 1));
    let settings = Settings {
        passphrase: Passphrase::new("0123456789".to_owned()),
        ..Settings::default()
    };
    let mut endpoint = Endpoint::new(settings, [1; 32], epoch);
    let id = ConnectionId(1);
    let agreed = Agreed {
        id,
        peer: from,
        to: 2,
        first: 0,
        receive_latency: 20,
        send_latency: 20,
        window: 64,
        keys: None,
    };
    endpoint.open(agreed, 0, None, 0);
    let (mut now, mut rest) = (epoch, bytes);
    while let [length, after @ ..] = rest {
        let (datagram, after) = after.split_at(after.len().min(usize::from(*length)));
        if *length == 255 {
            now += Duration::from_millis(10);
            endpoint.handle_timeout(now);
        }
        endpoint.handle_datagram(from, datagram, now);
        endpoint.send(id, datagram, 100, now);
        while endpoint.poll_transmit().is_some() {}
        while endpoint.poll_event().is_some() {}
        rest = after;
    }
}
