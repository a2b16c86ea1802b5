//! A message stream: what the peer does on it.

use crate::flv::Demuxer;

#[derive(Debug, Default)]
pub(super) struct NetStream {
    pub(super) state: State,
}

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Idle,
    /// Asked to publish, not answered.
    Publish,
    Publishing(Box<Demuxer>),
    /// Asked to play, not answered.
    Play,
    Playing {
        /// Timestamp of the first frame sent.
        base: Option<u32>,
    },
}

impl NetStream {
    /// The answer is yes; the state that comes of it, `None` where nothing was asked.
    pub(super) fn accept(&mut self) -> Option<&State> {
        self.state = match self.state {
            State::Publish => State::Publishing(Box::default()),
            State::Play => State::Playing { base: None },
            _ => return None,
        };
        Some(&self.state)
    }
}
