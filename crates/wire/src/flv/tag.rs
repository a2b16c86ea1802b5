//! A tag (§E.4.1).

use bytes::{BufMut, Bytes, BytesMut};

/// Type, size of the body, timestamp, stream.
pub const TAG_HEADER_LEN: usize = 11;

/// After each tag stands its size in four bytes.
const TRAILER_LEN: usize = 4;

/// What a tag carries; the number is that of RTMP's message type as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// Sound.
    Audio = 8,
    /// Pictures.
    Video = 9,
    /// Script data: metadata and messages.
    Script = 18,
}

impl TagKind {
    /// Of the type in a tag's first byte.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            8 => Self::Audio,
            9 => Self::Video,
            18 => Self::Script,
            _ => return None,
        })
    }
}

/// What a written tag is to a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Metadata, or a decoder's configuration.
    Header,
    /// A frame at which players can begin.
    KeyFrame,
    /// Another frame, or timed data.
    Frame,
}

/// A tag as it goes to players: made once, shared by all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What it carries.
    pub kind: TagKind,
    /// What it is to a player.
    pub role: Role,
    /// Milliseconds since the muxer's first frame, modulo 2³².
    pub timestamp: u32,
    bytes: Bytes,
}

impl Tag {
    /// Writes a tag whose body is `head` and `data`. `None` where the body is
    /// larger than its length field can say (16 MiB).
    #[must_use]
    pub fn new(
        kind: TagKind,
        role: Role,
        timestamp: u32,
        head: &[u8],
        data: &[u8],
    ) -> Option<Self> {
        let len = head.len() + data.len();
        let size = u32::try_from(len).ok().filter(|size| *size < 1 << 24)?;
        let mut bytes = BytesMut::with_capacity(TAG_HEADER_LEN + len + TRAILER_LEN);
        bytes.put_u32((kind as u32) << 24 | size);
        // The low 24 bits, then the high 8.
        bytes.put_u32(timestamp.rotate_left(8));
        bytes.put_slice(&[0; 3]);
        bytes.put_slice(head);
        bytes.put_slice(data);
        bytes.put_u32(size + 11);
        Some(Self {
            kind,
            role,
            timestamp,
            bytes: bytes.freeze(),
        })
    }

    /// The whole tag with its header and the size after it, as files have it.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The body, which is the body of an RTMP message.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.bytes
            .slice(TAG_HEADER_LEN..self.bytes.len() - TRAILER_LEN)
    }
}
