//! Callers: cookies, requests, answers (draft-sharabayko-srt-01 §4.3.1).

use std::net::SocketAddr;
use std::time::Instant;

use super::connection::Agreed;
use super::crypto::{Keys, Wrong};
use super::endpoint::{Closed, ConnectionId, Endpoint, Event, Transmit};
use super::handshake::{
    CONCLUSION, Handshake, INDUCTION, MAGIC, MTU, Reject, SRT_VERSION, Wishes, extension, flag,
    parse_text,
};
use super::packet::Control;
use super::receiver::WINDOW;

/// Callers that wait for an answer: each waits for a token to be checked and
/// perhaps a webhook, which takes a second at most, and so many come a second
/// at most.
const MAX_WAITING: usize = 128;
/// After this a caller has given up (libsrt's SRTO_CONNTIMEO is 3 s).
const PATIENCE: i64 = 5_000_000;
/// Opening a passphrase takes a millisecond of this thread: a tenth of it.
const OPENED_A_SECOND: u32 = 100;
/// How long a cookie is good: this minute and the one before.
const COOKIE_MICROS: i64 = 60_000_000;
/// Stream ids are at most this long (§3.2.1.3).
const MAX_STREAM_ID: usize = 512;

/// A caller that waits for an answer.
#[derive(Debug)]
pub(super) struct Waiting {
    agreed: Agreed,
    request: Handshake,
    key_response: Option<Vec<u8>>,
    since: i64,
}

/// How many passphrases may still be opened in this second.
#[derive(Debug, Default)]
pub(super) struct Budget {
    second: i64,
    used: u32,
}

impl Budget {
    fn take(&mut self, now: i64) -> bool {
        let second = now / 1_000_000;
        if second != self.second {
            *self = Self { second, used: 0 };
        }
        self.used += 1;
        self.used <= OPENED_A_SECOND
    }
}

impl Endpoint {
    /// A handshake of who calls.
    pub(super) fn called(
        &mut self,
        from: SocketAddr,
        packet: &Control<'_>,
        request: &Handshake,
        now: i64,
    ) {
        match request.kind {
            INDUCTION => self.induction(from, request, now),
            CONCLUSION => self.conclusion(from, packet, request, now),
            _ => {}
        }
    }

    /// Answered from the address alone; nothing is kept. The answer is no
    /// longer than the question.
    fn induction(&mut self, from: SocketAddr, request: &Handshake, now: i64) {
        let answer = Handshake {
            version: 5,
            extension: MAGIC,
            encryption: 0,
            cookie: self.cookie(from, now / COOKIE_MICROS),
            extensions: Vec::new(),
            ..request.clone()
        };
        self.say_handshake(from, request.socket, &answer, 0);
    }

    fn cookie(&self, from: SocketAddr, minute: i64) -> u32 {
        let [a, b, c, d, ..] = self.sign(format!("cookie {from} {minute}").as_bytes());
        // 0 stands for "none".
        u32::from_be_bytes([a, b, c, d]) | 1
    }

    fn conclusion(
        &mut self,
        from: SocketAddr,
        packet: &Control<'_>,
        request: &Handshake,
        now: i64,
    ) {
        let minute = now / COOKIE_MICROS;
        let cookies = [self.cookie(from, minute), self.cookie(from, minute - 1)];
        if !cookies.contains(&request.cookie) {
            return;
        }
        if let Some(id) = self.callers.get(&(from, request.socket)) {
            // It did not get the answer, or there is none yet.
            let answer = self
                .connection(*id)
                .and_then(|connection| connection.answer.clone());
            let again = answer.map(|data| Transmit { to: from, data });
            self.out.transmits.extend(again);
            return;
        }
        match self.admit(from, packet, request, now) {
            Ok(()) => {}
            Err(Some(reason)) => {
                self.say_handshake(from, request.socket, &request.refused(reason), 0);
            }
            Err(None) => {}
        }
    }

    /// `Err(None)`: not now; the caller will ask again.
    fn admit(
        &mut self,
        from: SocketAddr,
        packet: &Control<'_>,
        request: &Handshake,
        now: i64,
    ) -> Result<(), Option<Reject>> {
        let wishes = wishes(request)?;
        if !self.has_room() {
            return Err(Some(Reject::RESOURCE));
        }
        if self.waiting.len() >= MAX_WAITING {
            return Err(Some(Reject::BACKLOG));
        }
        let stream_id = stream_id(request)?;
        let message = request.find(extension::KEY_REQUEST);
        let keys = self.keys(message, now)?;
        let key_response = keys.as_ref().and(message).map(<[u8]>::to_vec);
        let encrypted = keys.is_some();
        let id = self.free_id();
        let latency = self.settings.latency_ms;
        let agreed = Agreed {
            id: ConnectionId(id),
            peer: from,
            to: request.socket,
            first: request.seq,
            receive_latency: latency.max(wishes.send_latency),
            send_latency: latency.max(wishes.receive_latency),
            window: request.window,
            keys,
        };
        // The caller's clock begins where its packet says.
        let _ = packet.time;
        let request = request.clone();
        self.waiting.insert(
            id,
            Waiting {
                agreed,
                request,
                key_response,
                since: now,
            },
        );
        self.callers.insert((from, self.waiting[&id].agreed.to), id);
        self.out.events.push_back(Event::Request {
            id: ConnectionId(id),
            from,
            stream_id,
            encrypted,
        });
        Ok(())
    }

    fn keys(&mut self, message: Option<&[u8]>, now: i64) -> Result<Option<Keys>, Option<Reject>> {
        let (passphrase, message) = match (&self.settings.passphrase, message) {
            (None, None) => return Ok(None),
            (Some(passphrase), Some(message)) => (passphrase, message),
            _ => return Err(Some(Reject::UNSECURE)),
        };
        if !self.budget.take(now) {
            return Err(None);
        }
        Keys::open(message, passphrase).map(Some).map_err(|wrong| {
            Some(match wrong {
                Wrong::Message => Reject::CRYPTO,
                Wrong::Secret => Reject::BAD_SECRET,
            })
        })
    }

    /// Lets a caller in that asked by [`Event::Request`]. False where it has
    /// given up.
    pub fn accept(&mut self, id: ConnectionId, now: Instant) -> bool {
        let now = self.micros(now);
        let Some(Waiting {
            agreed,
            request,
            key_response,
            ..
        }) = self.waiting.remove(&id.0)
        else {
            return false;
        };
        let mut answer = Handshake {
            version: 5,
            extension: 0,
            socket: id.0,
            mtu: request.mtu.min(MTU),
            window: WINDOW as u32,
            extensions: Vec::new(),
            ..request
        };
        let wishes = Wishes {
            version: SRT_VERSION,
            flags: flag::LIVE,
            receive_latency: agreed.receive_latency,
            send_latency: agreed.send_latency,
        };
        answer.add(extension::HS_RESPONSE, wishes.write());
        if let Some(message) = key_response {
            answer.add(extension::KEY_RESPONSE, message);
        }
        let said = self.say_handshake(agreed.peer, agreed.to, &answer, 0);
        self.open(agreed, now, Some(said), now);
        true
    }

    /// Refuses a caller that asked by [`Event::Request`].
    pub fn reject(&mut self, id: ConnectionId, reason: Reject, _now: Instant) {
        if let Some(waiting) = self.waiting.remove(&id.0) {
            let (peer, to) = (waiting.agreed.peer, waiting.agreed.to);
            self.callers.remove(&(peer, to));
            self.say_handshake(peer, to, &waiting.request.refused(reason), 0);
        }
    }

    pub(super) fn expire_waiting(&mut self, now: i64) {
        let expired: Vec<u32> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| now - waiting.since > PATIENCE)
            .map(|(id, _)| *id)
            .collect();
        for id in expired {
            if let Some(waiting) = self.waiting.remove(&id) {
                self.callers
                    .remove(&(waiting.agreed.peer, waiting.agreed.to));
                let id = ConnectionId(id);
                self.out.events.push_back(Event::Closed {
                    id,
                    reason: Closed::Abandoned,
                });
            }
        }
    }
}

/// What the caller wants of the protocol; a reason where it is not had here.
fn wishes(request: &Handshake) -> Result<Wishes, Option<Reject>> {
    if request.version < 5 {
        return Err(Some(Reject::VERSION));
    }
    let wishes = request
        .find(extension::HS_REQUEST)
        .and_then(Wishes::parse)
        .ok_or(Some(Reject::ROGUE))?;
    if wishes.version < 0x0001_0300 {
        return Err(Some(Reject::VERSION));
    }
    if wishes.flags & flag::STREAM != 0 {
        return Err(Some(Reject::MESSAGE_API));
    }
    let congestion = request.find(extension::CONGESTION).and_then(parse_text);
    if congestion.is_some_and(|name| !name.is_empty() && name != "live") {
        return Err(Some(Reject::CONGESTION));
    }
    if request.find(extension::FILTER).is_some() {
        return Err(Some(Reject::FILTER));
    }
    if request.find(extension::GROUP).is_some() {
        return Err(Some(Reject::GROUP));
    }
    Ok(wishes)
}

fn stream_id(request: &Handshake) -> Result<String, Option<Reject>> {
    let Some(data) = request.find(extension::STREAM_ID) else {
        return Ok(String::new());
    };
    if data.len() > MAX_STREAM_ID {
        return Err(Some(Reject::BAD_REQUEST));
    }
    parse_text(data).ok_or(Some(Reject::BAD_REQUEST))
}
