//! Why a stage cannot work, or cannot go on.

/// Why a stage cannot work, or cannot go on. The words are for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The decoder's configuration makes no sense.
    #[error("{0}")]
    Config(String),
    /// Well-formed, and not decoded here; another decoder may.
    #[error("{0}")]
    Unsupported(String),
    /// Nothing that came was decodable for a while.
    #[error("none of the last {0} {1} frames could be decoded: the last error was: {2}")]
    Undecodable(u32, &'static str, String),
    /// The codec's library failed. The stage is over.
    #[error("a bug in the {0}: the stage is over")]
    Broken(&'static str),
}

impl Error {
    /// Another decoder may be tried with the same input.
    #[must_use]
    pub const fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(_))
    }
}
