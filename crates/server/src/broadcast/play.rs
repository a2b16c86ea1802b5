//! Somebody watches a room by a door that is not WebRTC.

use std::net::SocketAddr;
use std::sync::Arc;

use surecast_media::control::Kind;
use surecast_media::frame::{Item, TrackNumber};

use super::fanout::{Read, Reader};
use super::program::{self, Program};
use super::{Broadcast, Protocol, Refusal};

/// Which sound a player takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Audio {
    /// Whatever there is.
    #[default]
    AsIs,
    /// AAC, whatever there is.
    Aac,
    /// Opus, whatever there is.
    Opus,
}

/// A viewer asks to be let in.
#[derive(Clone, Debug)]
pub struct PlayRequest {
    /// The room.
    pub room: String,
    /// LiveKit token; none is needed with `--dev` or `broadcast.open_play`.
    pub token: Option<String>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its address.
    pub from: SocketAddr,
    /// Its sound.
    pub audio: Audio,
    /// Every track of the program, not one of each kind.
    pub all_tracks: bool,
}

/// What a player gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Played {
    /// The next item.
    Item(Arc<Item>),
    /// It fell behind, and something was left out: what follows are the formats
    /// and then a keyframe.
    Lagged,
}

/// A viewer that was let in.
pub struct Player {
    reader: Reader<Arc<Item>>,
    program: Arc<Program>,
    all_tracks: bool,
    chosen: [Option<TrackNumber>; 2],
}

impl Broadcast {
    /// Lets a viewer in.
    ///
    /// # Errors
    /// In words for who set up the player.
    pub async fn play(&self, request: PlayRequest) -> Result<Player, Refusal> {
        self.may_play(&request.room, request.token.as_deref())?;
        let program = self.live_program(&request.room, request.audio).await?;
        tracing::debug!(room = request.room, protocol = request.protocol.name(), from = %request.from, "viewer");
        Ok(Player {
            reader: program.out().reader(),
            program,
            all_tracks: request.all_tracks,
            chosen: [None, None],
        })
    }

    /// Whether a token (or none) lets somebody watch a room.
    ///
    /// # Errors
    /// It does not.
    pub fn may_play(&self, room: &str, token: Option<&str>) -> Result<(), Refusal> {
        self.0.access.play(room, token)
    }

    /// What the room broadcasts; a tap on its tracks where no encoder does.
    async fn live_program(&self, room: &str, _audio: Audio) -> Result<Arc<Program>, Refusal> {
        let known = self.lock().programs.get(room).cloned();
        if let Some(program) = known.filter(|program| !program.has_ended()) {
            return Ok(program);
        }
        self.tap(room).await
    }
}

impl Player {
    /// The next item; `None` when the stream has ended. May be dropped while it
    /// waits.
    pub async fn next(&mut self) -> Option<Played> {
        loop {
            match self.reader.next().await? {
                Read::Lagged => return Some(Played::Lagged),
                Read::Item(item) if self.takes(&item) => return Some(Played::Item(item)),
                Read::Item(_) => {}
            }
        }
    }

    /// Leaves out what is there until the next keyframe: for who cannot keep up.
    pub fn skip(&mut self) {
        self.reader.skip();
    }

    /// The room.
    pub fn room(&self) -> &str {
        &self.program.room
    }

    fn takes(&mut self, item: &Item) -> bool {
        if self.all_tracks {
            return true;
        }
        match item {
            Item::Format { .. } => {
                let formats = self.program.formats();
                let choose = |kind| program::first(&formats, kind);
                self.chosen = [choose(Kind::Video), choose(Kind::Audio)];
                self.has(item)
            }
            Item::Frame { .. } | Item::End { .. } => self.has(item),
            Item::Data { .. } => true,
        }
    }

    fn has(&self, item: &Item) -> bool {
        match item {
            Item::Format { track, .. } | Item::Frame { track, .. } | Item::End { track } => {
                self.chosen.contains(&Some(*track))
            }
            Item::Data { .. } => true,
        }
    }
}
