//! Writing of boxes (ISO/IEC 14496-12 §4.2).

/// Bytes with boxes in them.
#[derive(Default)]
pub(super) struct Boxes(pub(super) Vec<u8>);

impl Boxes {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn zeros(&mut self, count: usize) {
        self.0.resize(self.0.len() + count, 0);
    }

    /// A box around what `body` writes.
    pub(super) fn within(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.u32(0);
        self.put(kind);
        body(self);
        self.set_u32(start, (self.0.len() - start) as u32);
    }

    /// A box with version and flags.
    pub(super) fn full(
        &mut self,
        kind: &[u8; 4],
        version: u8,
        flags: u32,
        body: impl FnOnce(&mut Self),
    ) {
        self.within(kind, |out| {
            out.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            body(out);
        });
    }

    pub(super) fn set_u32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}
