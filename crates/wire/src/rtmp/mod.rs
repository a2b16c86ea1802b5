//! RTMP, with Enhanced RTMP v2.
//!
//! [`ServerSession`] is one connection of an encoder or a player to us,
//! [`ClientSession`] is ours to another server. Both take bytes and yield bytes and
//! events. Media goes as FLV tags: see [`crate::flv`].
//!
//! Specifications: *Adobe's Real Time Messaging Protocol* 1.0, and *Enhanced RTMP*
//! version 2 (Veovera).

mod chunk;
mod client;
mod command;
mod error;
mod handshake;
mod message;
mod path;
mod server;
#[cfg(test)]
mod tests;
mod writer;

pub use chunk::{ChunkReader, MAX_CHUNK_STREAMS};
pub use client::{ClientEvent, ClientRole, ClientSession};
pub use error::RtmpError;
pub use message::Message;
pub use path::{StreamPath, percent_decode};
pub use server::{Capabilities, ServerEvent, ServerSession, StreamId};
pub use writer::ChunkWriter;

/// For fuzzing: any bytes as what an encoder or player sends, from the first byte
/// on and after a handshake, and as what a server answers.
pub fn fuzz_rtmp(bytes: &[u8]) {
    let mut fresh = ServerSession::default();
    drive_server(&mut fresh, bytes);
    let mut greeted = ServerSession::default();
    let mut hello = vec![0; handshake::PACKET_LEN * 2 + 1];
    hello[0] = handshake::VERSION;
    drive_server(&mut greeted, &hello);
    drive_server(&mut greeted, bytes);
    let mut client = ClientSession::new("live", "rtmp://127.0.0.1/live", "room", ClientRole::Play);
    for part in [&hello[..], bytes] {
        let _ = client.handle_bytes(part);
        while client.poll_output().is_some() {}
        while client.poll_event().is_some() {}
    }
}

fn drive_server(session: &mut ServerSession, bytes: &[u8]) {
    let _ = session.handle_bytes(bytes);
    while let Some(event) = session.poll_event() {
        match event {
            ServerEvent::Publish { stream, .. } => session.accept(stream),
            ServerEvent::Play { stream, .. } => session.refuse(stream, "no"),
            _ => {}
        }
    }
    while session.poll_output().is_some() {}
}
