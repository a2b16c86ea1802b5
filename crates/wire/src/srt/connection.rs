//! A connection that is open.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use super::crypto::Keys;
use super::endpoint::{ConnectionId, Event, Transmit};
use super::packet::{Control, Data, MAX_PAYLOAD, body_words, control, write_control};
use super::receiver::Receiver;
use super::sender::Sender;

/// A peer that is alive tells so every second (§4.7.3 of the draft: 1 s).
const KEEPALIVE: i64 = 1_000_000;
/// After this without a word it is gone (libsrt's SRTO_PEERIDLETIMEO).
const PEER_IDLE: i64 = 5_000_000;
/// Acknowledge at once after so many packets, without measuring (§3.2.4: light
/// acknowledgement).
const LIGHT_ACK: u32 = 64;
/// Subtypes of key messages while a connection runs (§3.2.2).
const KEY_REQUEST: u16 = 3;
const KEY_RESPONSE: u16 = 4;

/// Datagrams and events on their way out, of all connections.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    pub transmits: VecDeque<Transmit>,
    pub events: VecDeque<Event>,
}

/// Both directions, as agreed on by the handshake.
#[derive(Debug)]
pub(super) struct Connection {
    pub id: ConnectionId,
    pub peer: SocketAddr,
    /// The peer's socket.
    pub to: u32,
    /// Zero of our timestamps.
    began: i64,
    pub sender: Sender,
    pub receiver: Receiver,
    keys: Option<Keys>,
    heard: i64,
    spoke: i64,
    since_ack: u32,
    /// What answered the handshake, for a peer that did not get it.
    pub answer: Option<Bytes>,
}

/// What a handshake ends with.
#[derive(Debug)]
pub(super) struct Agreed {
    pub id: ConnectionId,
    pub peer: SocketAddr,
    pub to: u32,
    /// The first number, in both directions.
    pub first: u32,
    pub receive_latency: u16,
    pub send_latency: u16,
    pub window: u32,
    pub keys: Option<Keys>,
}

impl Connection {
    /// `began`: zero of the timestamps that the handshake already used.
    pub(super) fn new(agreed: Agreed, began: i64, now: i64) -> Self {
        Self {
            id: agreed.id,
            peer: agreed.peer,
            to: agreed.to,
            began,
            sender: Sender::new(agreed.first, agreed.send_latency, agreed.window, now),
            receiver: Receiver::new(agreed.first, agreed.receive_latency, now),
            keys: agreed.keys,
            heard: now,
            spoke: now,
            since_ack: 0,
            answer: None,
        }
    }

    pub(super) fn data(&mut self, data: &Data<'_>, now: i64, out: &mut Outputs) {
        self.heard = now;
        if data.payload.len() > MAX_PAYLOAD || !self.receiver.wants(data.seq) {
            return self.receiver.useless();
        }
        let Some(payload) = self.plain(data) else {
            return self.receiver.useless();
        };
        if let Some(gap) = self.receiver.take(data, payload, now) {
            self.report(&[gap], now, out);
        }
        self.since_ack += 1;
        if self.since_ack >= LIGHT_ACK {
            self.acknowledge(now, out);
        }
    }

    /// What is encrypted although nothing was agreed on, or the other way
    /// around, is not taken.
    fn plain(&mut self, data: &Data<'_>) -> Option<Bytes> {
        let mut payload = data.payload.to_vec();
        let taken = match &mut self.keys {
            None => data.key == 0,
            Some(keys) => keys.decrypt(data.key, data.seq, &mut payload),
        };
        taken.then(|| payload.into())
    }

    /// Whether the connection goes on.
    pub(super) fn control(&mut self, packet: &Control<'_>, now: i64, out: &mut Outputs) -> bool {
        self.heard = now;
        match packet.kind {
            control::ACK => self.acked(packet, now, out),
            control::NAK => {
                let gone = self.sender.reported(gaps(packet.body), now);
                if let Some((first, last)) = gone {
                    let body = [first.to_be_bytes(), last.to_be_bytes()].concat();
                    self.say(control::DROP_REQUEST, 0, 0, &body, now, out);
                }
            }
            control::ACKACK => self.receiver.answered(packet.info, now),
            control::DROP_REQUEST => {
                let mut words = body_words(packet.body);
                if let (Some(first), Some(last)) = (words.next(), words.next()) {
                    self.receiver
                        .dropped(first & 0x7fff_ffff, last & 0x7fff_ffff);
                }
            }
            control::USER if packet.subtype == KEY_REQUEST => {
                self.key_request(packet.body, now, out)
            }
            control::SHUTDOWN => return false,
            _ => {}
        }
        true
    }

    fn acked(&mut self, packet: &Control<'_>, now: i64, out: &mut Outputs) {
        let mut words = body_words(packet.body);
        let Some(next) = words.next() else {
            return;
        };
        let mut words = words.take(3);
        let (rtt, rtt_var, room) = (words.next(), words.next(), words.next());
        self.sender.acknowledged(next & 0x7fff_ffff, room);
        if let (Some(rtt), Some(rtt_var)) = (rtt, rtt_var) {
            self.sender.measured(rtt, rtt_var);
            // A light acknowledgement is not answered.
            self.say(control::ACKACK, 0, packet.info, &[], now, out);
        }
    }

    /// New keys are confirmed by sending the message back.
    fn key_request(&mut self, body: &[u8], now: i64, out: &mut Outputs) {
        if let Some(keys) = &mut self.keys
            && keys.refresh(body).is_ok()
        {
            self.say(control::USER, KEY_RESPONSE, 0, body, now, out);
        }
    }

    /// Takes a payload of at most [`MAX_PAYLOAD`] bytes. False where no numbers
    /// are left.
    pub(super) fn send(&mut self, payload: &[u8], now: i64) -> bool {
        let Some(number) = self.sender.next_number() else {
            return false;
        };
        let mut payload = payload.to_vec();
        let key = match &self.keys {
            None => 0,
            Some(keys) => match keys.encrypt(number, &mut payload) {
                Some(key) => key,
                None => return false,
            },
        };
        let time = self.time(now);
        self.sender.push(payload.into(), key, time, now);
        true
    }

    /// Sends what may go out now.
    pub(super) fn flush(&mut self, now: i64, out: &mut Outputs) {
        while let Some(data) = self.sender.poll(self.to, now) {
            self.spoke = now;
            out.transmits.push_back(Transmit {
                to: self.peer,
                data,
            });
        }
    }

    /// To be called every 10 ms. Whether the connection goes on.
    pub(super) fn tick(&mut self, now: i64, out: &mut Outputs) -> bool {
        while let Some(payload) = self.receiver.deliver(now) {
            out.events.push_back(Event::Data {
                id: self.id,
                payload,
            });
        }
        self.acknowledge(now, out);
        let gaps = self.receiver.report(now);
        self.report(&gaps, now, out);
        self.sender.expire(now);
        self.flush(now, out);
        if now - self.spoke >= KEEPALIVE {
            self.say(control::KEEPALIVE, 0, 0, &[], now, out);
        }
        now - self.heard < PEER_IDLE
    }

    fn acknowledge(&mut self, now: i64, out: &mut Outputs) {
        self.since_ack = 0;
        if let Some(ack) = self.receiver.acknowledge(now) {
            let words = std::iter::once(ack.next).chain(ack.rest);
            let body: Vec<u8> = words.flat_map(u32::to_be_bytes).collect();
            self.say(control::ACK, 0, ack.number, &body, now, out);
        }
    }

    fn report(&mut self, gaps: &[(u32, u32)], now: i64, out: &mut Outputs) {
        if gaps.is_empty() {
            return;
        }
        let mut body = Vec::with_capacity(gaps.len() * 8);
        for (first, last) in gaps {
            if first == last {
                body.extend(first.to_be_bytes());
            } else {
                body.extend((1 << 31 | first).to_be_bytes());
                body.extend(last.to_be_bytes());
            }
        }
        self.say(control::NAK, 0, 0, &body, now, out);
    }

    pub(super) fn shut_down(&mut self, now: i64, out: &mut Outputs) {
        self.say(control::SHUTDOWN, 0, 0, &[], now, out);
    }

    fn say(
        &mut self,
        kind: u16,
        subtype: u16,
        info: u32,
        body: &[u8],
        now: i64,
        out: &mut Outputs,
    ) {
        self.spoke = now;
        let (time, to) = (self.time(now), self.to);
        let data = write_control(&Control {
            kind,
            subtype,
            info,
            time,
            to,
            body,
        });
        out.transmits.push_back(Transmit {
            to: self.peer,
            data,
        });
    }

    /// 32 bits of microseconds, which wrap.
    fn time(&self, now: i64) -> u32 {
        (now - self.began) as u32
    }
}

/// The gaps of a loss report: single numbers, and ranges whose first number has
/// its upper bit set (§3.2.5, appendix A).
fn gaps(body: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    let mut words = body_words(body);
    std::iter::from_fn(move || {
        let first = words.next()?;
        let last = if first >> 31 == 1 {
            words.next()?
        } else {
            first
        };
        Some((first & 0x7fff_ffff, last & 0x7fff_ffff))
    })
}
