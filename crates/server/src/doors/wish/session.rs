//! One session: the task between a client's requests and the room engine.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use surecast_room::proto::request_response::Reason;
use surecast_room::proto::signal_request::Message as Ask;
use surecast_room::proto::signal_response::Message as Say;
use surecast_room::proto::{self, DisconnectReason};
use surecast_room::{Join, SessionId};
use surecast_sfu::sdp::fragment::{Fragment, MAX_CANDIDATES};
use tokio::sync::{mpsc, oneshot};

use super::registry::{Seat, leave, new_etag};
use super::resource::{Patch, Patched};
use super::{Door, Entry, Problem};
use crate::broadcast::viewers;
use crate::control::{Admission, Control};
use crate::doors::Doors;
use crate::doors::whep::{LayerChoice, Viewer};

/// The engines answer an offer within milliseconds. Who waits this long waits
/// for a server that is overloaded beyond use.
const ANSWER: Duration = Duration::from_secs(10);

/// Requests to one session that wait for their turn. Clients send one at a time.
const COMMANDS: usize = 8;

/// What requests to a session's URL ask of its task.
pub(in crate::doors) enum Command {
    /// Candidates, or an ICE restart.
    Patch {
        patch: Patch,
        reply: oneshot::Sender<Result<Patched, Problem>>,
    },
    /// A viewer chooses what it gets of a video.
    Layer {
        choice: LayerChoice,
        reply: oneshot::Sender<Result<(), Problem>>,
    },
    /// The end.
    Leave { reply: oneshot::Sender<()> },
}

/// What a session begins with.
pub(in crate::doors) struct Opening {
    pub(in crate::doors) door: Door,
    pub(in crate::doors) join: Join,
    /// The client's offer. An encoder's goes with the join, a viewer's after it
    /// is settled what it gets.
    pub(in crate::doors) offer: String,
    pub(in crate::doors) viewer: Option<(Viewer, viewers::Viewer)>,
}

/// A participant that came by HTTP.
pub(in crate::doors) struct Session {
    control: Control,
    id: SessionId,
    admission: Admission,
    /// As it holds now; the base of the offer that an ICE restart stands for.
    offer: String,
    /// Counter of descriptions: an answer carries that of its offer.
    description: u32,
    etag: String,
    /// Candidates that may still come.
    candidates: usize,
    ice_servers: Vec<proto::IceServer>,
    /// The engine's last word before it ended the session.
    reason: Option<Problem>,
    pub(super) viewer: Option<Viewer>,
    // Last: when it drops, the session is over everywhere.
    seat: Seat,
}

impl Session {
    /// Joins the room and negotiates. When this returns, the answer is agreed.
    pub(in crate::doors) async fn open(
        doors: &Arc<Doors>,
        opening: Opening,
    ) -> Result<(Self, String), Problem> {
        let (viewer, counted) = opening.viewer.unzip();
        let mut seat = Seat::take(doors, opening.door, counted)?;
        let with_join = viewer.is_none();
        let join = Join {
            offer: with_join.then(|| description(&opening.offer, 1)),
            ..opening.join
        };
        let admission = doors.control.join(join).await??;
        seat.let_in(admission.session);
        let mut session = Self {
            control: doors.control.clone(),
            id: admission.session,
            admission,
            offer: opening.offer,
            description: 1,
            etag: new_etag(),
            candidates: MAX_CANDIDATES,
            ice_servers: Vec::new(),
            reason: None,
            viewer,
            seat,
        };
        if !with_join {
            session.until_joined().await?;
            let offer = description(&session.offer, 1);
            session.ask(Ask::Offer(offer)).await?;
        }
        let answer = session.answer().await?;
        Ok((session, answer))
    }

    /// Its URL.
    pub(super) fn location(&self) -> String {
        self.path("")
    }

    /// A path below its URL.
    pub(in crate::doors) fn path(&self, below: &str) -> String {
        let (door, id) = (self.seat.door().name(), self.seat.id());
        format!("/{door}/session/{id}{below}")
    }

    pub(super) fn etag(&self) -> &str {
        &self.etag
    }

    pub(super) fn ice_servers(&self) -> &[proto::IceServer] {
        &self.ice_servers
    }

    /// From now on the session lives by itself.
    pub(super) fn start(self, doors: &Doors) {
        let (commands, received) = mpsc::channel(COMMANDS);
        let entry = Entry {
            door: self.seat.door(),
            commands,
            show: self.viewer.as_ref().map(Viewer::show),
            room: self.admission.room.clone(),
        };
        doors.wish.add(self.seat.id().to_owned(), entry);
        tokio::spawn(self.run(received));
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let asked = self.serve(&mut commands).await;
        let (room, participant) = (&self.admission.room, &self.admission.identity);
        let why = self.reason.as_ref().map_or("", |reason| reason.detail());
        tracing::info!(
            room,
            participant,
            door = self.seat.door().name(),
            why,
            "session ended"
        );
        // Who asked for the end is told when nothing is left of the session.
        drop(self);
        if let Some(asked) = asked {
            let _ = asked.send(());
        }
    }

    /// Until the session is over; gives whom to tell.
    async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Option<oneshot::Sender<()>> {
        loop {
            tokio::select! {
                message = self.admission.outbox.recv() => {
                    if self.take(message?).await.is_err() {
                        return None;
                    }
                }
                // The register holds the sender for as long as the seat lives.
                Some(command) = commands.recv() => {
                    if let Some(asked) = self.carry_out(command).await {
                        return Some(asked);
                    }
                }
            }
        }
    }

    /// Gives whom to tell, where that was the end. Whoever asked may be gone when
    /// it is answered, and then nobody is to be told.
    async fn carry_out(&mut self, command: Command) -> Option<oneshot::Sender<()>> {
        match command {
            Command::Patch { patch, reply } => {
                let _ = reply.send(self.patch(patch).await);
                None
            }
            Command::Layer { choice, reply } => {
                let _ = reply.send(self.choose(choice).await);
                None
            }
            Command::Leave { reply } => {
                let _ = self.control.signal(self.id, leave()).await;
                Some(reply)
            }
        }
    }

    /// RFC 9725 sections 4.3.2 and 4.3.3.
    async fn patch(&mut self, patch: Patch) -> Result<Patched, Problem> {
        let Patch { if_match, fragment } = patch;
        let offered = surecast_sfu::sdp::fragment::Credentials::of(&self.offer);
        let new = fragment
            .credentials
            .clone()
            .filter(|c| Some(c) != offered.as_ref());
        if if_match != "*" && if_match != self.etag {
            let detail = "`If-Match` names an ICE session that is over: \
                          send the newest ETag, or \"*\" with new credentials to restart ICE";
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail));
        }
        match new {
            None => {
                self.trickle(fragment.candidates).await?;
                Ok(Patched::Added)
            }
            Some(_) if if_match != "*" => {
                let detail = "a=ice-ufrag is not that of this ICE session: \
                              an ICE restart needs `If-Match: *`";
                Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail))
            }
            Some(credentials) => {
                let offer = credentials.restart(&self.offer);
                self.restart(offer, fragment.candidates).await
            }
        }
    }

    async fn restart(
        &mut self,
        offer: String,
        candidates: Vec<String>,
    ) -> Result<Patched, Problem> {
        self.description = self.description.wrapping_add(1);
        self.ask(Ask::Offer(description(&offer, self.description)))
            .await?;
        let answer = self.answer().await?;
        self.offer = offer;
        self.etag = new_etag();
        self.candidates = MAX_CANDIDATES;
        self.trickle(candidates).await?;
        let fragment = Fragment::of(&answer).ok_or_else(broken)?;
        let etag = self.etag.clone();
        Ok(Patched::Restarted { fragment, etag })
    }

    async fn trickle(&mut self, candidates: Vec<String>) -> Result<(), Problem> {
        self.candidates = self
            .candidates
            .checked_sub(candidates.len())
            .ok_or_else(|| {
                let detail = format!("more than {MAX_CANDIDATES} candidates in one ICE session");
                Problem::new(StatusCode::BAD_REQUEST, detail)
            })?;
        for candidate in candidates {
            let init = serde_json::json!({ "candidate": candidate, "sdpMLineIndex": 0 });
            self.ask(Ask::Trickle(proto::TrickleRequest {
                candidate_init: init.to_string(),
                target: proto::SignalTarget::Publisher as i32,
                r#final: false,
            }))
            .await?;
        }
        Ok(())
    }

    async fn choose(&mut self, choice: LayerChoice) -> Result<(), Problem> {
        let Some(viewer) = &mut self.viewer else {
            return Err(Problem::new(StatusCode::NOT_FOUND, "not a viewer"));
        };
        if let Some(ask) = viewer.choose(choice)? {
            self.ask(ask).await?;
        }
        Ok(())
    }

    /// The first message of all is what the room looks like.
    async fn until_joined(&mut self) -> Result<(), Problem> {
        let Some(message) = self.admission.outbox.recv().await else {
            return Err(self.ended());
        };
        self.take(message).await.map(drop)
    }

    /// The answer to the newest offer.
    async fn answer(&mut self) -> Result<String, Problem> {
        let answer = async {
            loop {
                let Some(message) = self.admission.outbox.recv().await else {
                    return Err(self.ended());
                };
                if let Some(answer) = self.take(message).await? {
                    return Ok(answer);
                }
            }
        };
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| {
            let detail = "the server is overloaded: the offer was not answered in time";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(super::RETRY_AFTER)
        })?
    }

    /// Takes note of what the room engine says; gives the answer, where it is
    /// that of the newest offer.
    async fn take(&mut self, message: proto::SignalResponse) -> Result<Option<String>, Problem> {
        let Some(say) = message.message else {
            return Ok(None);
        };
        if let Some(viewer) = &mut self.viewer {
            for ask in viewer.take(&say) {
                self.ask(ask).await?;
            }
        }
        match say {
            Say::Join(join) => self.ice_servers = join.ice_servers,
            Say::Answer(answer) if answer.id == self.description => return Ok(Some(answer.sdp)),
            Say::RequestResponse(response) if response.reason() != Reason::Ok => {
                self.refused(&response);
            }
            Say::Leave(leave) => {
                self.reason.get_or_insert_with(|| sent_away(leave.reason()));
            }
            _ => {}
        }
        Ok(None)
    }

    /// The engine refuses something that the session cannot be without.
    fn refused(&mut self, response: &proto::RequestResponse) {
        let (status, what) = match response.reason() {
            Reason::NotAllowed => (StatusCode::FORBIDDEN, ""),
            Reason::InvalidRequest => (StatusCode::BAD_REQUEST, "the offer cannot be used: "),
            _ => (StatusCode::BAD_REQUEST, ""),
        };
        let problem = Problem::new(status, format!("{what}{}", response.message));
        self.reason.get_or_insert(problem);
    }

    pub(in crate::doors) fn take_reason(&mut self) -> Option<Problem> {
        self.reason.take()
    }

    fn ended(&mut self) -> Problem {
        self.reason.take().unwrap_or_else(broken)
    }

    async fn ask(&self, ask: Ask) -> Result<(), Problem> {
        let request = proto::SignalRequest { message: Some(ask) };
        Ok(self.control.signal(self.id, request).await?)
    }
}

fn description(sdp: &str, id: u32) -> proto::SessionDescription {
    proto::SessionDescription {
        r#type: "offer".to_owned(),
        sdp: sdp.to_owned(),
        id,
        ..Default::default()
    }
}

fn broken() -> Problem {
    let detail = "the session ended before it was agreed upon";
    Problem::new(StatusCode::CONFLICT, detail)
}

/// Why the room engine ended it, in words.
fn sent_away(reason: DisconnectReason) -> Problem {
    let (status, detail) = match reason {
        DisconnectReason::DuplicateIdentity => (
            StatusCode::CONFLICT,
            "another encoder with the same identity took over".to_owned(),
        ),
        DisconnectReason::ServerShutdown => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is shutting down".to_owned(),
        ),
        DisconnectReason::RoomClosed | DisconnectReason::RoomDeleted => {
            (StatusCode::CONFLICT, "the room was closed".to_owned())
        }
        DisconnectReason::ParticipantRemoved => {
            (StatusCode::FORBIDDEN, "removed from the room".to_owned())
        }
        reason => (
            StatusCode::CONFLICT,
            format!("ended: {}", reason.as_str_name()),
        ),
    };
    Problem::new(status, detail)
}
