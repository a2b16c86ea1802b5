//! Encoding anew: sound for who cannot play what there is, and everything that
//! an `ffmpeg` beside the server makes.
//!
//! AAC becomes Opus in the process. Everything else is made by a child process
//! each ([`child::Child`]): it is fed and read through pipes, so that it ends
//! with the server whatever happens, and it is started again when it dies.

mod aac_encoder;
pub mod audio;
pub mod child;
mod outside_decoder;
pub mod picture;
mod supervised;
pub mod video;

use std::path::PathBuf;

use surecast_audio::OpusSettings;

/// How to encode anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The program `ffmpeg`; a name without a slash is looked up in `PATH`.
    pub ffmpeg: PathBuf,
    /// Bits a second of AAC with two channels.
    pub aac_bitrate: u32,
    /// ffmpeg's name of the encoder of H.264.
    pub encoder: String,
    /// How Opus is encoded.
    pub opus: OpusSettings,
}

impl Default for Settings {
    /// 128 kbit/s of AAC-LC is what players and platforms expect of stereo.
    fn default() -> Self {
        Self {
            ffmpeg: "ffmpeg".into(),
            aac_bitrate: 128_000,
            encoder: "libx264".into(),
            opus: OpusSettings::default(),
        }
    }
}

/// Why something cannot be encoded anew. The words are for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The program is not there.
    #[error("{0} was not found: install ffmpeg, or set its path in `broadcast.ffmpeg`")]
    NotFound(String),
    /// The program cannot be started.
    #[error("{0} cannot be started: {1}")]
    Start(String, String),
    /// The program ended, again and again.
    #[error("ffmpeg gave up: {0}")]
    Ended(String),
    /// A stage in the process is over.
    #[error(transparent)]
    Stage(#[from] surecast_audio::Error),
    /// Nothing makes the one of the other.
    #[error("{0} does not become {1} here")]
    Unsupported(
        surecast_media::frame::FrameCodec,
        surecast_media::frame::FrameCodec,
    ),
}
