//! The vocabulary of Surecast: ids, time, codecs, layers, and the parsers for
//! what travels inside RTP payloads.
//!
//! This is the lowest level of the house. It knows no protocol engine, no
//! clock and no socket; every other crate may use it.

pub mod control;
pub mod id;
pub mod time;
