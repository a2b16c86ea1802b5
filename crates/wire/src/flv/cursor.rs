//! Reads big-endian fields from the front of a shared buffer.

use bytes::{Buf, Bytes};

use super::FlvError;

/// A position in bytes; what is taken is shared, not copied.
#[derive(Clone, Debug)]
pub(crate) struct Cursor(Bytes);

impl Cursor {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(self) -> Bytes {
        self.0
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<Bytes, FlvError> {
        if self.0.len() < len {
            return Err(FlvError::Cut(what));
        }
        Ok(self.0.split_to(len))
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, FlvError> {
        self.need(1, what)?;
        Ok(self.0.get_u8())
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, FlvError> {
        self.need(2, what)?;
        Ok(self.0.get_u16())
    }

    pub(crate) fn u24(&mut self, what: &'static str) -> Result<u32, FlvError> {
        self.need(3, what)?;
        Ok(u32::from(self.0.get_u8()) << 16 | u32::from(self.0.get_u16()))
    }

    /// Signed, 24 bits.
    pub(crate) fn i24(&mut self, what: &'static str) -> Result<i32, FlvError> {
        Ok((self.u24(what)? << 8).cast_signed() >> 8)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, FlvError> {
        self.need(4, what)?;
        Ok(self.0.get_u32())
    }

    pub(crate) fn f64(&mut self, what: &'static str) -> Result<f64, FlvError> {
        self.need(8, what)?;
        Ok(self.0.get_f64())
    }

    fn need(&self, len: usize, what: &'static str) -> Result<(), FlvError> {
        if self.0.len() < len {
            return Err(FlvError::Cut(what));
        }
        Ok(())
    }
}
