//! The stages with AAC that ffmpeg made.

mod clicks;
mod ogg;
mod timelines;
