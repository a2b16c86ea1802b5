//! Messages to chunks (§5.3).

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::Message;
use super::message::kind;

/// What we send in one chunk. Large, so that most frames are one piece and go out
/// as they are; small enough that sound between the pieces of a large keyframe is
/// not late, and no more than Flash Player took.
pub(super) const CHUNK_SIZE: usize = 65_536;

/// Longest header: basic, message, extended timestamp.
const MAX_HEADER: usize = 1 + 11 + 4;

/// Cuts messages into chunks. Bodies are shared, not copied.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_size: usize,
    out: VecDeque<Bytes>,
    queued: usize,
}

impl Default for ChunkWriter {
    fn default() -> Self {
        Self {
            chunk_size: 128,
            out: VecDeque::new(),
            queued: 0,
        }
    }
}

impl ChunkWriter {
    /// Appends bytes that are no chunks: the handshake.
    pub(super) fn raw(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.out.push_back(bytes);
    }

    /// Tells the peer our chunk size and uses it from then on.
    pub fn enlarge(&mut self) {
        let size = u32::try_from(CHUNK_SIZE).unwrap_or(0);
        self.write(&control(kind::SET_CHUNK_SIZE, &size.to_be_bytes()));
        self.chunk_size = CHUNK_SIZE;
    }

    /// Appends a message. Every one has a whole header: what shorter ones save is
    /// less than a thousandth of a stream.
    pub fn write(&mut self, message: &Message) {
        let id = chunk_stream(message.kind);
        let extended = (message.timestamp >= 0xff_ffff).then_some(message.timestamp);
        let mut head = BytesMut::with_capacity(MAX_HEADER);
        head.put_u8(id);
        head.put_uint(u64::from(message.timestamp.min(0xff_ffff)), 3);
        head.put_uint(message.body.len() as u64, 3);
        head.put_u8(message.kind);
        head.put_u32_le(message.stream);
        put_extended(&mut head, extended);
        let mut rest = message.body.clone();
        loop {
            let piece = rest.split_to(rest.len().min(self.chunk_size));
            self.raw(head.freeze());
            if !piece.is_empty() {
                self.raw(piece);
            }
            if rest.is_empty() {
                return;
            }
            head = BytesMut::with_capacity(5);
            head.put_u8(0xc0 | id);
            put_extended(&mut head, extended);
        }
    }

    /// The next bytes to send.
    pub fn poll(&mut self) -> Option<Bytes> {
        let bytes = self.out.pop_front()?;
        self.queued -= bytes.len();
        Some(bytes)
    }

    /// Bytes that were not polled yet.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.queued
    }
}

/// A message of the connection itself.
pub(super) fn control(kind: u8, body: &[u8]) -> Message {
    Message {
        kind,
        timestamp: 0,
        stream: 0,
        body: Bytes::copy_from_slice(body),
    }
}

fn put_extended(head: &mut BytesMut, extended: Option<u32>) {
    if let Some(timestamp) = extended {
        head.put_u32(timestamp);
    }
}

/// Chunk streams as everybody chooses them: 2 for the protocol (§5.4), 3 for
/// commands.
const fn chunk_stream(of: u8) -> u8 {
    match of {
        kind::AUDIO => 4,
        kind::DATA_AMF0 | kind::DATA_AMF3 => 5,
        kind::VIDEO => 6,
        kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => 3,
        _ => 2,
    }
}
