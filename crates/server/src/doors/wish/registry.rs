//! The sessions that are open, by the secret part of their URL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use surecast_room::SessionId;
use surecast_room::proto::{LeaveRequest, SignalRequest, signal_request};
use tokio::sync::{mpsc, watch};

use super::{Command, Problem, RETRY_AFTER};
use crate::broadcast::viewers;
use crate::doors::Doors;
use crate::doors::whep::Show;

/// Which of the two a session came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doors) enum Door {
    /// An encoder.
    Whip,
    /// A viewer.
    Whep,
}

impl Door {
    /// As in paths and metrics.
    pub(in crate::doors) const fn name(self) -> &'static str {
        match self {
            Self::Whip => "whip",
            Self::Whep => "whep",
        }
    }
}

/// A session as requests to its URL see it.
#[derive(Clone)]
pub(in crate::doors) struct Entry {
    pub(in crate::doors) door: Door,
    /// To the task that owns it.
    pub(in crate::doors) commands: mpsc::Sender<Command>,
    /// What a viewer is told of what it watches.
    pub(in crate::doors) show: Option<watch::Receiver<Show>>,
    /// Its room.
    pub(in crate::doors) room: String,
}

/// All sessions of WHIP and WHEP. As many as there may be connections
/// (`limits.connections`), signalling connections counted in.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, Entry>>);

impl Sessions {
    pub(in crate::doors) fn get(&self, door: Door, id: &str) -> Option<Entry> {
        let entry = self.by_id().get(id).cloned();
        entry.filter(|entry| entry.door == door)
    }

    pub(super) fn add(&self, id: String, entry: Entry) {
        self.by_id().insert(id, entry);
    }

    /// What is in there is whole after every statement, so a panic of a holder
    /// leaves nothing half done.
    fn by_id(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place among all. Dropping it ends the session wherever it is: in
/// the room, in the register, in the counts.
pub(super) struct Seat {
    doors: Arc<Doors>,
    door: Door,
    id: String,
    session: Option<SessionId>,
    /// Counts a viewer among those of all doors.
    _viewer: Option<viewers::Viewer>,
}

impl Seat {
    /// Takes a place, where there is one.
    pub(super) fn take(
        doors: &Arc<Doors>,
        door: Door,
        viewer: Option<viewers::Viewer>,
    ) -> Result<Self, Problem> {
        let id = new_id()?;
        let limit = doors.config.limits.connections as usize;
        let taken = doors.connections.send_if_modified(|count| {
            let free = *count < limit;
            *count += usize::from(free);
            free
        });
        if !taken {
            let detail = format!("the server has its {limit} sessions (`limits.connections`)");
            let full = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            return Err(full.retry_after(RETRY_AFTER));
        }
        doors.metrics.streams_changed(door.name(), 1);
        Ok(Self {
            doors: doors.clone(),
            door,
            id,
            session: None,
            _viewer: viewer,
        })
    }

    pub(super) fn let_in(&mut self, session: SessionId) {
        self.session = Some(session);
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn door(&self) -> Door {
        self.door
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let doors = &self.doors;
        doors.wish.by_id().remove(&self.id);
        doors.metrics.streams_changed(self.door.name(), -1);
        doors
            .connections
            .send_modify(|count| *count = count.saturating_sub(1));
        let (Some(session), control) = (self.session, doors.control.clone()) else {
            return;
        };
        // Outside of a runtime the process is ending anyway.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = control.signal(session, leave()).await;
                control.closed(session).await;
            });
        }
    }
}

/// A participant's own wish to go.
pub(super) fn leave() -> SignalRequest {
    SignalRequest {
        message: Some(signal_request::Message::Leave(LeaveRequest::default())),
    }
}

/// Whoever knows a session's URL may change and end it: 128 random bits.
fn new_id() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        let detail = "the system gives no random numbers";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// An entity tag (RFC 9110 section 8.8.3). Tells one ICE session from another,
/// and is no secret.
pub(super) fn new_etag() -> String {
    format!("\"{:016x}\"", fastrand::u64(..))
}
