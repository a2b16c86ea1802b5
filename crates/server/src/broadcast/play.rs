//! Somebody watches a room by a door that is not WebRTC.

use std::net::SocketAddr;
use std::sync::Arc;

use surecast_media::control::Kind;
use surecast_media::frame::{Item, TrackNumber};

use super::fanout::{Read, Reader};
use super::hook::What;
use super::program::{self, Program};
use super::viewers::Viewer;
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
    /// Counted as long as it plays; doors that serve many count each of them.
    viewer: Option<Viewer>,
    all_tracks: bool,
    chosen: [Option<TrackNumber>; 2],
}

impl Broadcast {
    /// Lets a viewer in who has a player to himself.
    ///
    /// # Errors
    /// In words for who set up the player.
    pub async fn play(&self, request: PlayRequest) -> Result<Player, Refusal> {
        let place = (request.protocol, request.from);
        let viewer = self.viewer(&request.room, request.token.as_deref(), place);
        let viewer = viewer.await?;
        let feed = self.feed(&request.room, request.audio, request.all_tracks);
        let mut player = feed.await?;
        player.viewer = Some(viewer);
        Ok(player)
    }

    /// Lets a viewer in and counts it until the answer is dropped. For doors that
    /// serve many viewers from one [`Broadcast::feed`].
    ///
    /// # Errors
    /// In words for who set up the player.
    pub async fn viewer(
        &self,
        room: &str,
        token: Option<&str>,
        place: (Protocol, SocketAddr),
    ) -> Result<Viewer, Refusal> {
        self.0.access.play(room, token)?;
        self.enter(room, place).await
    }

    /// Counts a viewer whose token was looked at already.
    ///
    /// # Errors
    /// The operator says no, or there are too many.
    pub async fn enter(
        &self,
        room: &str,
        place: (Protocol, SocketAddr),
    ) -> Result<Viewer, Refusal> {
        self.0.hooks.ask(What::Play, room, "", place).await?;
        let viewer = self.0.viewers.enter(room, place, self.0.limits)?;
        tracing::debug!(room, protocol = place.0.name(), from = %place.1, "viewer");
        Ok(viewer)
    }

    /// A player that nobody asks for a token, and that counts as no viewer: for
    /// doors that let their viewers in one by one, and for recordings.
    ///
    /// # Errors
    /// Nothing is live.
    pub async fn feed(
        &self,
        room: &str,
        audio: Audio,
        all_tracks: bool,
    ) -> Result<Player, Refusal> {
        let program = self.live_program(room, audio).await?;
        Ok(Player {
            reader: program.out().reader(),
            program,
            viewer: None,
            all_tracks,
            chosen: [None, None],
        })
    }

    /// What the room broadcasts; a tap on its tracks where no encoder does.
    async fn live_program(&self, room: &str, audio: Audio) -> Result<Arc<Program>, Refusal> {
        let known = self.lock().programs.get(room).cloned();
        let program = match known.filter(|program| !program.has_ended()) {
            Some(program) => program,
            None => self.tap(room).await?,
        };
        Ok(self.with_audio(program, audio))
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
