//! Messages: what chunks carry (§6, §7.1).

use bytes::Bytes;

/// Message types.
pub(super) mod kind {
    pub(crate) const SET_CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW_SIZE: u8 = 5;
    pub(crate) const PEER_BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const DATA_AMF3: u8 = 15;
    pub(crate) const COMMAND_AMF3: u8 = 17;
    pub(crate) const DATA_AMF0: u8 = 18;
    pub(crate) const COMMAND_AMF0: u8 = 20;
    pub(crate) const AGGREGATE: u8 = 22;
}

/// Events of user control messages (§7.1.7).
pub(super) mod control {
    pub(crate) const STREAM_BEGIN: u16 = 0;
    pub(crate) const STREAM_EOF: u16 = 1;
    pub(crate) const SET_BUFFER_LENGTH: u16 = 3;
    pub(crate) const PING: u16 = 6;
    pub(crate) const PONG: u16 = 7;
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Message type id (§7.1).
    pub kind: u8,
    /// Milliseconds, modulo 2³².
    pub timestamp: u32,
    /// Message stream; 0 is the connection itself.
    pub stream: u32,
    /// Its body.
    pub body: Bytes,
}

/// The messages in an aggregate message (§7.1.6): each with an FLV tag's header
/// and the size after it. Their times are moved so that the first one has the
/// aggregate's. Ends at what is cut.
pub(super) fn disaggregate(aggregate: &Message) -> impl Iterator<Item = Message> + use<> {
    const HEADER: usize = 11;
    let (at, stream) = (aggregate.timestamp, aggregate.stream);
    let mut rest = aggregate.body.clone();
    let mut first = None;
    std::iter::from_fn(move || {
        let &[kind, s0, s1, s2, t0, t1, t2, t3, ..] = rest.first_chunk::<HEADER>()?;
        let len = usize::try_from(u32::from_be_bytes([0, s0, s1, s2])).ok()?;
        let time = u32::from_be_bytes([t3, t0, t1, t2]);
        if rest.len() < HEADER + len {
            return None;
        }
        let body = rest.slice(HEADER..HEADER + len);
        let end = (HEADER + len + 4).min(rest.len());
        rest = rest.slice(end..);
        let first = *first.get_or_insert(time);
        Some(Message {
            kind,
            timestamp: at.wrapping_add(time.wrapping_sub(first)),
            stream,
            body,
        })
    })
}
