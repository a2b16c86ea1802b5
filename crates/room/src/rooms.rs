//! The engine.

use std::collections::VecDeque;
use std::time::Instant;

use surecast_media::control::MediaEvent;
use surecast_media::time::Now;

use crate::error::{JoinError, ServiceCode, ServiceError};
use crate::event::Census;
use crate::join::Join;
use crate::output::{Output, SessionId};
use crate::proto;
use crate::service::{ServiceCall, ServiceReply};
use crate::settings::Settings;
use crate::token::Grants;

/// All rooms of a server.
pub struct Rooms {
    settings: Settings,
    outputs: VecDeque<Output>,
}

#[allow(clippy::unused_self, clippy::needless_pass_by_value)]
impl Rooms {
    /// An engine without rooms. `seed` decides every id it will make.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        let _ = seed;
        Self {
            settings,
            outputs: VecDeque::new(),
        }
    }

    /// Would [`Rooms::handle_join`] let this in? For `/rtc/validate`.
    ///
    /// # Errors
    /// As `handle_join`.
    pub fn validate(&self, join: &Join, now: Now) -> Result<(), JoinError> {
        let _ = (join, now, &self.settings);
        Ok(())
    }

    /// Lets a participant in. The first output for the new session is its
    /// `JoinResponse` (or `ReconnectResponse`).
    ///
    /// # Errors
    /// See [`JoinError`]; then nothing has changed.
    pub fn handle_join(&mut self, join: Join, now: Now) -> Result<SessionId, JoinError> {
        self.validate(&join, now)?;
        Ok(SessionId(0))
    }

    /// A message from a client.
    pub fn handle_signal(&mut self, session: SessionId, request: proto::SignalRequest, now: Now) {
        let _ = (session, request, now);
    }

    /// The signalling connection is gone.
    pub fn handle_session_closed(&mut self, session: SessionId, now: Now) {
        let _ = (session, now);
    }

    /// A message from the forwarding engine.
    pub fn handle_media(&mut self, event: MediaEvent, now: Now) {
        let _ = (event, now);
    }

    /// A call to the room service.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn handle_service(
        &mut self,
        grants: &Grants,
        call: ServiceCall,
        now: Now,
    ) -> Result<ServiceReply, ServiceError> {
        let _ = (grants, call, now);
        Err(ServiceError::new(ServiceCode::NotFound, "no rooms yet"))
    }

    /// [`Rooms::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Now) {
        let _ = now;
    }

    /// When [`Rooms::handle_timeout`] wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The server stops: a leave for every client.
    pub fn close_all(&mut self, reason: proto::DisconnectReason, now: Now) {
        let _ = (reason, now);
    }

    /// How much there is.
    #[must_use]
    pub fn census(&self) -> Census {
        Census::default()
    }
}
