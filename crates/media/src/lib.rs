//! The vocabulary of Surecast: ids, time, codecs, layers, and the parsers for
//! what travels inside RTP payloads.
//!
//! This is the lowest level of the house. It knows no protocol engine, no
//! clock and no socket; every other crate may use it.

pub mod aac;
pub mod av1;
mod bits;
pub mod codec;
pub mod control;
pub mod frame;
pub mod h264;
pub mod h265;
pub mod id;
pub mod local;
pub mod nal;
pub mod opus;
pub mod red;
pub mod seq;
pub mod time;
pub mod vp8;
pub mod vp9;
