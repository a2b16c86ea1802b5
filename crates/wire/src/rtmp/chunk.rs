//! Chunks to messages (§5.3).

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};

use super::message::kind;
use super::{Message, RtmpError};

/// Chunk streams of one connection. Encoders use four to six, plus one per track
/// where they send many.
pub const MAX_CHUNK_STREAMS: usize = 64;

/// Bytes of messages that are not whole yet, of all chunk streams together: one
/// message of the largest size there is (16 MiB), and some others under way.
const MAX_PARTIAL: usize = 24 << 20;

/// What is reserved for a message before its bytes come: a length may be a lie.
const RESERVE: usize = 64 * 1024;

/// Both sides begin with it (§5.4.1).
const FIRST_CHUNK_SIZE: usize = 128;

/// Larger ones are the same: no message is longer (§5.4.1).
const MAX_CHUNK_SIZE: usize = 0xff_ffff;

/// In a timestamp field: the timestamp follows in 32 bits.
const EXTENDED: u32 = 0xff_ffff;

/// Puts the chunks of one direction together. Besides messages that are not whole
/// yet it holds at most one chunk header.
#[derive(Debug)]
pub struct ChunkReader {
    buffer: BytesMut,
    chunk_size: usize,
    streams: BTreeMap<u32, ChunkStream>,
    /// The chunk under way: its chunk stream, and how much of it is to come.
    current: Option<(u32, usize)>,
    partial: usize,
}

/// What a chunk stream's next header may leave out.
#[derive(Debug, Default)]
struct ChunkStream {
    timestamp: u32,
    /// The last timestamp field, extended or not.
    field: u32,
    extended: bool,
    len: usize,
    kind: u8,
    stream: u32,
    body: BytesMut,
    /// A message is under way.
    open: bool,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            chunk_size: FIRST_CHUNK_SIZE,
            streams: BTreeMap::new(),
            current: None,
            partial: 0,
        }
    }
}

impl ChunkReader {
    /// Takes the next bytes. Call [`ChunkReader::next_message`] until it has none.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message. Messages about chunks (set chunk size, abort) are
    /// obeyed and not handed out.
    ///
    /// # Errors
    /// The peer says what nobody may say, or more than is held for it. There is no
    /// way to go on.
    pub fn next_message(&mut self) -> Result<Option<Message>, RtmpError> {
        loop {
            if self.current.is_none() && !self.begin_chunk()? {
                return Ok(None);
            }
            let Some(message) = self.go_on()? else {
                if self.buffer.is_empty() || self.current.is_some() {
                    return Ok(None);
                }
                continue;
            };
            match message.kind {
                kind::SET_CHUNK_SIZE => self.set_chunk_size(&message.body)?,
                kind::ABORT => self.abort(&message.body),
                _ => return Ok(Some(message)),
            }
        }
    }

    /// Reads a chunk's header if it is whole.
    fn begin_chunk(&mut self) -> Result<bool, RtmpError> {
        let Some((format, id, basic)) = basic_header(&self.buffer) else {
            return Ok(false);
        };
        let fields = [11, 7, 3, 0][usize::from(format)];
        let Some(header) = self.buffer.get(basic..basic + fields) else {
            return Ok(false);
        };
        let known = self.streams.get(&id);
        if known.is_none() {
            if format != 0 && format != 1 {
                return Err(RtmpError::Chunk(
                    "a chunk stream begins with a header that leaves its size out",
                ));
            }
            if self.streams.len() >= MAX_CHUNK_STREAMS {
                return Err(RtmpError::TooMuch("chunk streams"));
            }
        }
        let field = match format {
            3 => known.map_or(0, |it| it.field),
            _ => u24(header),
        };
        let extended = match format {
            3 => known.is_some_and(|it| it.extended),
            _ => field == EXTENDED,
        };
        let mut len = basic + fields;
        let mut value = field;
        if extended {
            let Some(bytes) = self.buffer.get(len..).and_then(|it| it.first_chunk::<4>()) else {
                return Ok(false);
            };
            let said = u32::from_be_bytes(*bytes);
            // Some leave it out of later chunks: what stands there then is payload.
            if format != 3 || said == field {
                value = said;
                len += 4;
            }
        }
        let header = Bytes::copy_from_slice(header);
        self.buffer.advance(len);
        self.open(format, id, &header, value, extended)?;
        Ok(true)
    }

    /// Takes over what the header says.
    fn open(
        &mut self,
        format: u8,
        id: u32,
        header: &[u8],
        value: u32,
        extended: bool,
    ) -> Result<(), RtmpError> {
        let it = self.streams.entry(id).or_default();
        if format != 3 && it.open {
            // A message that is begun anew: the old one is never finished.
            self.partial -= it.body.len();
            it.body = BytesMut::new();
            it.open = false;
        }
        if format != 3 || !it.open {
            it.timestamp = match format {
                0 => value,
                _ => it.timestamp.wrapping_add(value),
            };
        }
        it.field = value;
        it.extended = extended;
        if format <= 1 {
            it.len = usize::try_from(u24(&header[3..])).unwrap_or(0);
            it.kind = header[6];
        }
        if let (0, Some(stream)) = (format, header.get(7..).and_then(|it| it.first_chunk::<4>())) {
            it.stream = u32::from_le_bytes(*stream);
        }
        it.open = true;
        let left = it.len - it.body.len();
        if self.partial + left > MAX_PARTIAL {
            return Err(RtmpError::TooMuch("messages under way"));
        }
        it.body.reserve(left.min(RESERVE));
        self.current = Some((id, left.min(self.chunk_size)));
        Ok(())
    }

    /// Takes what is there of the chunk under way; a message if that was the rest
    /// of it.
    fn go_on(&mut self) -> Result<Option<Message>, RtmpError> {
        let Some((id, left)) = self.current else {
            return Ok(None);
        };
        let take = left.min(self.buffer.len());
        let it = self.streams.entry(id).or_default();
        it.body.extend_from_slice(&self.buffer[..take]);
        self.buffer.advance(take);
        self.partial += take;
        if take < left {
            self.current = Some((id, left - take));
            return Ok(None);
        }
        self.current = None;
        if it.body.len() < it.len {
            return Ok(None);
        }
        it.open = false;
        let body = std::mem::take(&mut it.body).freeze();
        self.partial = self
            .partial
            .checked_sub(body.len())
            .ok_or(RtmpError::Chunk("accounting"))?;
        Ok(Some(Message {
            kind: it.kind,
            timestamp: it.timestamp,
            stream: it.stream,
            body,
        }))
    }

    fn set_chunk_size(&mut self, body: &[u8]) -> Result<(), RtmpError> {
        let bytes = body
            .first_chunk::<4>()
            .ok_or(RtmpError::Chunk("a chunk size is cut"))?;
        let size = u32::from_be_bytes(*bytes);
        if size == 0 || size > i32::MAX.cast_unsigned() {
            return Err(RtmpError::Chunk(
                "a chunk size of 0, or with its highest bit set",
            ));
        }
        self.chunk_size = usize::try_from(size)
            .unwrap_or(MAX_CHUNK_SIZE)
            .min(MAX_CHUNK_SIZE);
        Ok(())
    }

    fn abort(&mut self, body: &[u8]) {
        let id = body
            .first_chunk::<4>()
            .map(|bytes| u32::from_be_bytes(*bytes));
        if let Some(it) = id.and_then(|id| self.streams.get_mut(&id)) {
            self.partial -= it.body.len();
            it.body = BytesMut::new();
            it.open = false;
        }
    }
}

/// Format, chunk stream, and length (§5.3.1.1).
fn basic_header(buffer: &[u8]) -> Option<(u8, u32, usize)> {
    let first = *buffer.first()?;
    let format = first >> 6;
    Some(match first & 0x3f {
        0 => (format, u32::from(*buffer.get(1)?) + 64, 2),
        1 => {
            let (low, high) = (*buffer.get(1)?, *buffer.get(2)?);
            (format, u32::from(u16::from_le_bytes([low, high])) + 64, 3)
        }
        id => (format, u32::from(id), 1),
    })
}

fn u24(bytes: &[u8]) -> u32 {
    match bytes {
        &[b0, b1, b2, ..] => u32::from_be_bytes([0, b0, b1, b2]),
        _ => 0,
    }
}
