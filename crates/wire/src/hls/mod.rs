//! HLS playlists and segments (RFC 8216 and its second edition,
//! draft-pantos-hls-rfc8216bis).
//!
//! A [`Segmenter`] takes the items of a stream and keeps the last of it as
//! segments and parts, pictures and sound apart; it answers requests for
//! playlists and media at once, or says that they have to wait. [`check`] finds
//! out whether what somebody serves holds together.

mod answer;
pub mod check;
mod cut;
mod follow;
mod lead;
mod multivariant;
mod playlist;
mod rendition;
mod segment;
mod segmenter;
mod settings;
mod silence;
#[cfg(test)]
mod tests;
mod transport;

pub use answer::{Answer, PlaylistRequest, Resource};
pub use segmenter::Segmenter;
pub use settings::Settings;
