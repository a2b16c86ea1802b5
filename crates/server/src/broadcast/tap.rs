//! A tap on the tracks that people publish in a room by WebRTC.

use std::sync::Arc;

use super::program::Program;
use super::{Broadcast, Refusal};

impl Broadcast {
    /// Feeds the room's program from its participants' tracks.
    #[expect(clippy::unused_async, reason = "it will wait for the room")]
    pub(super) async fn tap(&self, room: &str) -> Result<Arc<Program>, Refusal> {
        Err(Refusal::NotLive { room: room.into() })
    }
}
