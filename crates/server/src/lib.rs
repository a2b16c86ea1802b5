//! The Surecast server: sockets, clocks, files and doors around the cores.
//!
//! The cores (`surecast-room`, `surecast-sfu`) have neither; this crate is the
//! only one with tokio, the wall clock, the environment and the file system.
//! [`app`] assembles it; [`doors`] is where clients come in; [`control`] owns
//! the rooms; [`media_plane`] owns the media sockets.

pub mod app;
pub mod auth;
pub mod broadcast;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod data_dir;
pub mod doors;
pub mod evidence;
pub mod faults;
pub mod guarantee;
mod hls_check;
pub mod http;
pub mod load;
pub mod logging;
pub mod media_plane;
pub mod metrics;
pub mod probe;
pub mod statement;
pub mod store;
pub mod tls;
pub mod webhook;
