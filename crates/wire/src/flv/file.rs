//! Files and streams of tags (§E.2, §E.3).

use bytes::{Buf, Bytes, BytesMut};

use super::{FlvError, TAG_HEADER_LEN, TagKind};

/// Signature, version, flags, header length, and the size of the tag before the
/// first one, which is 0.
pub const FILE_HEADER_LEN: usize = 13;

/// The longest header that is passed over: it has nothing in it but what later
/// versions may add.
const MAX_HEADER: usize = 1024;

/// The beginning of a file that has sound and pictures, or one of them.
#[must_use]
pub const fn file_header(audio: bool, video: bool) -> [u8; FILE_HEADER_LEN] {
    let flags = (if audio { 4 } else { 0 }) | (if video { 1 } else { 0 });
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// Cuts a byte stream into tags. Holds at most one tag that is not whole yet, so
/// at most 16 MiB, and of these only what came.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    begun: bool,
}

impl Reader {
    /// Takes the next bytes of the stream. Call [`Reader::next_tag`] until it has
    /// none.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Kind, timestamp (milliseconds) and body of the next tag; `None` until it is
    /// whole. Tags of unknown kinds are passed over, encrypted ones as well.
    ///
    /// # Errors
    /// [`FlvError::NotFlv`]; there is no way to go on.
    pub fn next_tag(&mut self) -> Result<Option<(TagKind, u32, Bytes)>, FlvError> {
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        loop {
            let Some(&[kind, s0, s1, s2, t0, t1, t2, t3, ..]) =
                self.buffer.first_chunk::<TAG_HEADER_LEN>()
            else {
                return Ok(None);
            };
            let size = u32::from_be_bytes([0, s0, s1, s2]);
            let len = usize::try_from(size).unwrap_or(usize::MAX);
            if self.buffer.len() < TAG_HEADER_LEN + len + 4 {
                return Ok(None);
            }
            self.buffer.advance(TAG_HEADER_LEN);
            let body = self.buffer.split_to(len).freeze();
            let trailer = self.buffer.get_u32();
            // Some writers leave it 0.
            if trailer != 0 && trailer != size + 11 {
                return Err(FlvError::NotFlv(
                    "the size after a tag differs from the one in it",
                ));
            }
            if let Some(kind) = TagKind::from_byte(kind) {
                return Ok(Some((kind, u32::from_be_bytes([t3, t0, t1, t2]), body)));
            }
        }
    }

    fn begin(&mut self) -> Result<bool, FlvError> {
        let known = self.buffer.len().min(3);
        if self.buffer[..known] != b"FLV"[..known] {
            return Err(FlvError::NotFlv("it does not begin with FLV"));
        }
        let Some(head) = self.buffer.first_chunk::<9>() else {
            return Ok(false);
        };
        let len = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if !(9..=MAX_HEADER).contains(&len) {
            return Err(FlvError::NotFlv("its header has an impossible length"));
        }
        if self.buffer.len() < len + 4 {
            return Ok(false);
        }
        self.buffer.advance(len + 4);
        self.begun = true;
        Ok(true)
    }
}
