//! Why a connection cannot go on.

use crate::flv::FlvError;

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtmpError {
    /// The first byte names another version: HTTP on this port, or RTMPE.
    #[error("not RTMP: the handshake begins with {0:#04x}, not 0x03")]
    Version(u8),
    /// A chunk that says what none may say.
    #[error("damaged chunk: {0}")]
    Chunk(&'static str),
    /// More than is held for one peer.
    #[error("too much at once: {0}")]
    TooMuch(&'static str),
    /// A command that cannot be read.
    #[error("damaged command: {0}")]
    Command(FlvError),
}
