//! Parts of a picture as they are put together.

use surecast_media::nal;

/// NAL units or OBUs, each after its length in four bytes: in one buffer,
/// because hostile packets name millions of tiny ones.
#[derive(Debug, Default)]
pub(super) struct Joined {
    bytes: Vec<u8>,
    /// Where the length of a part stands that may still grow.
    open: Option<usize>,
}

impl Joined {
    /// A part grows until it is closed.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn push(&mut self, part: &[u8]) {
        self.open(part);
        self.close();
    }

    /// A part that begins so.
    pub(super) fn open(&mut self, head: &[u8]) {
        self.close();
        self.open = Some(self.bytes.len());
        self.bytes.extend([0; 4]);
        self.bytes.extend_from_slice(head);
    }

    /// More of the part that is open.
    pub(super) fn extend(&mut self, more: &[u8]) {
        self.bytes.extend_from_slice(more);
    }

    pub(super) fn close(&mut self) {
        let Some(at) = self.open.take() else {
            return;
        };
        // A picture has at most some MiB.
        let len = u32::try_from(self.bytes.len() - at - 4).unwrap_or(0);
        self.bytes[at..at + 4].copy_from_slice(&len.to_be_bytes());
    }

    /// All parts that are not empty; `None` where one is still open.
    pub(super) fn parts(&self) -> Option<impl Iterator<Item = &[u8]>> {
        (!self.is_open()).then(|| nal::length_prefixed(&self.bytes, 4))
    }
}
