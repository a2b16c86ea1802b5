//! The handshake (§5.2), the plain one.
//!
//! Flash Player wanted a signature in it before it played H.264. Clients that still
//! send one (FFmpeg, librtmp with SWF verification) go on without when the server's
//! packet has version 0, which ours has.

use bytes::{Buf, Bytes, BytesMut};

use super::RtmpError;

/// C1, S1, C2 and S2.
pub(super) const PACKET_LEN: usize = 1536;

/// The only version in use without encryption.
pub(super) const VERSION: u8 = 3;

/// What came of the peer's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Version and first packet.
    First,
    /// The echo of our packet.
    Echo,
    Done,
}

/// One side's handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    state: State,
    client: bool,
    ours: Bytes,
}

impl Handshake {
    pub(super) fn server() -> Self {
        Self::new(false)
    }

    pub(super) fn client() -> Self {
        Self::new(true)
    }

    fn new(client: bool) -> Self {
        // Time and version are 0; the rest is noise that the peer sends back.
        let mut ours = vec![0; PACKET_LEN];
        ours[8..].fill_with(|| fastrand::u8(..));
        Self {
            state: State::First,
            client,
            ours: ours.into(),
        }
    }

    /// What a client sends first.
    pub(super) fn hello(&self) -> Bytes {
        let mut hello = BytesMut::with_capacity(1 + PACKET_LEN);
        hello.extend_from_slice(&[VERSION]);
        hello.extend_from_slice(&self.ours);
        hello.freeze()
    }

    /// Takes what it needs off the buffer; answers what to send.
    pub(super) fn handle(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, RtmpError> {
        match self.state {
            State::First => {
                let Some(&version) = buffer.first() else {
                    return Ok(None);
                };
                if version != VERSION {
                    return Err(RtmpError::Version(version));
                }
                if buffer.len() <= PACKET_LEN {
                    return Ok(None);
                }
                buffer.advance(1);
                let theirs = buffer.split_to(PACKET_LEN);
                self.state = State::Echo;
                Ok(Some(self.answer(&theirs)))
            }
            State::Echo if buffer.len() >= PACKET_LEN => {
                // Whether it is a faithful echo proves nothing; some clients send others.
                buffer.advance(PACKET_LEN);
                self.state = State::Done;
                Ok(None)
            }
            State::Echo | State::Done => Ok(None),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn answer(&self, theirs: &[u8]) -> Bytes {
        if self.client {
            return Bytes::copy_from_slice(theirs);
        }
        let mut answer = BytesMut::with_capacity(1 + 2 * PACKET_LEN);
        answer.extend_from_slice(&self.hello());
        answer.extend_from_slice(theirs);
        answer.freeze()
    }
}
