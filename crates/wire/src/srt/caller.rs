//! Calls: opening a connection to another server (draft-sharabayko-srt-01
//! §4.3.1).

use std::net::SocketAddr;

use super::connection::Agreed;
use super::crypto::{Keys, Passphrase};
use super::endpoint::{Closed, ConnectionId, Endpoint, Event};
use super::handshake::{
    CONCLUSION, Handshake, INDUCTION, MAGIC, MTU, Reject, SRT_VERSION, Wishes, extension, flag,
    write_text,
};
use super::receiver::WINDOW;

/// A handshake that is not answered is repeated.
const REPEAT: i64 = 250_000;
/// Then the other side is not there (libsrt's SRTO_CONNTIMEO).
const PATIENCE: i64 = 3_000_000;

/// Whom to call, and how.
#[derive(Clone, Debug)]
pub struct Call {
    /// The listener.
    pub to: SocketAddr,
    /// At most 512 bytes; longer ones are cut by the other side or refused.
    pub stream_id: String,
    /// Encrypts with AES-128.
    pub passphrase: Option<Passphrase>,
    /// In milliseconds, in both directions, at least.
    pub latency_ms: u16,
}

/// A call that is not answered yet.
#[derive(Debug)]
pub(super) struct Calling {
    call: Call,
    request: Handshake,
    keys: Option<Keys>,
    since: i64,
    said: i64,
}

impl Endpoint {
    pub(super) fn call(&mut self, call: Call, now: i64) -> ConnectionId {
        let id = self.free_id();
        let [a, b, c, d, ..] = self.draw();
        let request = Handshake {
            version: 4,
            // "Extensions are wanted" in version 4, which asks for a cookie.
            extension: 2,
            seq: u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff,
            mtu: MTU,
            window: WINDOW as u32,
            kind: INDUCTION,
            socket: id,
            ..Handshake::default()
        };
        self.say_handshake(call.to, 0, &request, 0);
        self.calling.insert(
            id,
            Calling {
                call,
                request,
                keys: None,
                since: now,
                said: now,
            },
        );
        ConnectionId(id)
    }

    /// The listener answered.
    pub(super) fn answered(&mut self, id: u32, from: SocketAddr, answer: &Handshake, now: i64) {
        let Some(calling) = self
            .calling
            .get(&id)
            .filter(|calling| calling.call.to == from)
        else {
            return;
        };
        let asked = calling.request.kind;
        match answer.kind {
            INDUCTION if asked == INDUCTION => self.conclude(id, answer, now),
            CONCLUSION if asked == CONCLUSION => self.agree(id, answer, now),
            _ => {
                if let Some(reason) = answer.refusal() {
                    self.give_up(id, reason);
                }
            }
        }
    }

    fn conclude(&mut self, id: u32, answer: &Handshake, now: i64) {
        if answer.version < 5 || answer.extension != MAGIC {
            return self.give_up(id, Reject::VERSION);
        }
        let secret = self.draw();
        let Some(calling) = self.calling.get_mut(&id) else {
            return;
        };
        let latency = calling.call.latency_ms;
        let wishes = Wishes {
            version: SRT_VERSION,
            flags: flag::LIVE,
            receive_latency: latency,
            send_latency: latency,
        };
        let mut request = Handshake {
            version: 5,
            kind: CONCLUSION,
            extension: 0,
            cookie: answer.cookie,
            ..calling.request.clone()
        };
        request.add(extension::HS_REQUEST, wishes.write());
        if let Some(passphrase) = &calling.call.passphrase
            && let Some((keys, message)) = Keys::new(passphrase, &secret)
        {
            // In units of eight bytes: AES-128.
            request.encryption = 2;
            request.add(extension::KEY_REQUEST, message);
            calling.keys = Some(keys);
        }
        if !calling.call.stream_id.is_empty() {
            request.add(extension::STREAM_ID, write_text(&calling.call.stream_id));
        }
        calling.request = request.clone();
        calling.said = now;
        let (to, time) = (calling.call.to, now - calling.since);
        self.say_handshake(to, 0, &request, time);
    }

    fn agree(&mut self, id: u32, answer: &Handshake, now: i64) {
        let Some(wishes) = answer.find(extension::HS_RESPONSE).and_then(Wishes::parse) else {
            return self.give_up(id, Reject::ROGUE);
        };
        // Where the passphrase is wrong, some answer with a status in place of
        // the message that they would return.
        let confirmed = answer
            .find(extension::KEY_RESPONSE)
            .is_some_and(|message| message.len() > 4);
        let Some(calling) = self.calling.remove(&id) else {
            return;
        };
        if calling.keys.is_some() && !confirmed {
            return self.refused(id, Reject::BAD_SECRET);
        }
        let agreed = Agreed {
            id: ConnectionId(id),
            peer: calling.call.to,
            to: answer.socket,
            first: calling.request.seq,
            receive_latency: wishes.send_latency.max(calling.call.latency_ms),
            send_latency: wishes.receive_latency,
            window: answer.window,
            keys: calling.keys,
        };
        self.open(agreed, calling.since, None, now);
        self.out.events.push_back(Event::Connected {
            id: ConnectionId(id),
        });
    }

    fn give_up(&mut self, id: u32, reason: Reject) {
        self.calling.remove(&id);
        self.refused(id, reason);
    }

    fn refused(&mut self, id: u32, reason: Reject) {
        let id = ConnectionId(id);
        self.out.events.push_back(Event::Closed {
            id,
            reason: Closed::Refused(reason),
        });
    }

    pub(super) fn repeat_calls(&mut self, now: i64) {
        let due: Vec<u32> = self
            .calling
            .iter()
            .filter(|(_, calling)| now - calling.said >= REPEAT)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(calling) = self.calling.get_mut(&id) else {
                continue;
            };
            if now - calling.since >= PATIENCE {
                self.give_up(id, Reject::TIMEOUT);
                continue;
            }
            calling.said = now;
            let (to, request, time) = (
                calling.call.to,
                calling.request.clone(),
                now - calling.since,
            );
            self.say_handshake(to, 0, &request, time);
        }
    }
}
