//! What can be wrong with a tag.

/// Why a tag was not taken. The next tag can be read all the same, but for
/// [`FlvError::NotFlv`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    /// It ends before what it announces.
    #[error("a tag is cut short: {0}")]
    Cut(&'static str),
    /// It says what nothing may say.
    #[error("a tag is damaged: {0}")]
    Damaged(&'static str),
    /// A codec that is not taken; its name is that of the specification.
    #[error("{0} is not supported: send H.264, H.265, AV1, VP9 or VP8 with AAC, Opus or MP3")]
    Unsupported(String),
    /// More tracks than are taken.
    #[error("more than {0} tracks")]
    Tracks(usize),
    /// Script data nested or filled beyond its bounds.
    #[error("script data has more {0}")]
    Bomb(&'static str),
    /// The byte stream is no FLV file, or got out of step.
    #[error("not an FLV stream: {0}")]
    NotFlv(&'static str),
}
