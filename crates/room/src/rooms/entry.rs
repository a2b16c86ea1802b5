//! Who may come in, and into which room.

use surecast_media::id::RoomId;
use surecast_media::time::Now;

use super::Rooms;
use crate::error::JoinError;
use crate::join::Join;
use crate::output::SessionId;
use crate::proto::DisconnectReason;
use crate::proto::leave_request::Action;
use crate::room::{Room, RoomPlan, attributes_bytes, leave};
use crate::settings::Settings;
use crate::token::{Grants, VideoGrant};

/// A request to join after its token and parameters are brought together.
pub(super) struct Entry {
    room: String,
    grants: Grants,
}

impl Rooms {
    pub(super) fn join(&mut self, mut join: Join, now: Now) -> Result<SessionId, JoinError> {
        let entry = self.entry(&join)?;
        self.check_entry(&entry, &join)?;
        join.grants = entry.grants;
        if join.reconnect.is_some() {
            return Ok(self.resume(&entry.room, join, now));
        }
        let id = match self.names.get(&entry.room) {
            Some(id) => *id,
            None => {
                let plan = plan_from_token(entry.room, &join.grants);
                self.open_room(&plan, now)
            }
        };
        self.with_room(id, |room, cx| room.admit(cx, join, now))
            .ok_or(JoinError::NotFound)
    }

    /// Opens a room whose name is free.
    pub(super) fn open_room(&mut self, plan: &RoomPlan, now: Now) -> RoomId {
        let name = plan.name.clone();
        let room = Room::new(&mut self.cx, plan, now);
        let id = room.id;
        self.names.insert(name, id);
        self.rooms.insert(id, room);
        id
    }

    /// Brings token and parameters together; says what is wrong with them.
    pub(super) fn entry(&self, join: &Join) -> Result<Entry, JoinError> {
        let settings = &self.cx.settings;
        let mut grants = join.grants.clone();
        let Some(video) = grants.video.as_ref().filter(|video| video.room_join) else {
            return Err(JoinError::NotAllowed("the token lacks the roomJoin grant"));
        };
        if grants.identity.is_empty() {
            return Err(JoinError::IdentityMissing);
        }
        let room = match video.room.is_empty() {
            true => join.room.clone(),
            false => video.room.clone(),
        };
        if room.is_empty() {
            return Err(JoinError::RoomNameMissing);
        }
        apply_publish(&mut grants, join)?;
        apply_own_changes(&mut grants, join)?;
        check_lengths(settings, &room, &grants)?;
        Ok(Entry { room, grants })
    }

    /// Is there such a room, or may there be; and is there a place in it?
    pub(super) fn check_entry(&self, entry: &Entry, join: &Join) -> Result<(), JoinError> {
        if self.shutting_down {
            return Err(JoinError::ShuttingDown);
        }
        // Who resumes has a place already, or is told to start over.
        if join.reconnect.is_some() {
            return Ok(());
        }
        if let Some(room) = self
            .names
            .get(&entry.room)
            .and_then(|id| self.rooms.get(id))
        {
            room.check_identity(&entry.grants, join)?;
            return room.check_capacity(&entry.grants);
        }
        let may_create = entry
            .grants
            .video
            .as_ref()
            .is_some_and(|video| video.room_create);
        if !(self.cx.settings.auto_create || may_create) {
            return Err(JoinError::NotFound);
        }
        self.check_room_count()
    }

    pub(super) fn check_room_count(&self) -> Result<(), JoinError> {
        let limit = self.cx.settings.max_rooms;
        if self.rooms.len() >= limit {
            return Err(JoinError::TooManyRooms { limit });
        }
        Ok(())
    }

    fn resume(&mut self, name: &str, join: Join, now: Now) -> SessionId {
        let id = self.names.get(name).copied();
        let room = id.and_then(|id| self.rooms.get(&id));
        let known = room.and_then(|room| Some((room.id, room.resumable(&join)?)));
        let protocol = join.protocol;
        if let Some((id, key)) = known
            && let Some(session) = self.with_room(id, |room, cx| room.resume(cx, key, join, now))
        {
            return session;
        }
        // Nothing is known here of this participant.
        let session = self.cx.ids.session();
        if let Some(message) = leave(protocol, DisconnectReason::StateMismatch, Action::Reconnect) {
            self.cx.signal(session, message);
        }
        self.cx.close_session(session);
        session
    }
}

/// A second connection of the same person, that only sends.
fn apply_publish(grants: &mut Grants, join: &Join) -> Result<(), JoinError> {
    let suffix = join.publish.as_deref().filter(|suffix| !suffix.is_empty());
    let (Some(suffix), Some(video)) = (suffix, grants.video.as_mut()) else {
        return Ok(());
    };
    if !video.can_publish() {
        return Err(JoinError::NotAllowed("publish needs the canPublish grant"));
    }
    video.can_subscribe = Some(false);
    grants.identity = format!("{}#{suffix}", grants.identity);
    Ok(())
}

/// Metadata and attributes that the client brings itself.
fn apply_own_changes(grants: &mut Grants, join: &Join) -> Result<(), JoinError> {
    let metadata = join
        .metadata
        .as_ref()
        .filter(|metadata| !metadata.is_empty());
    if metadata.is_none() && join.attributes.is_empty() {
        return Ok(());
    }
    let video = grants.video.as_ref();
    if !video.is_some_and(VideoGrant::can_update_own_metadata) {
        let needed = "metadata and attributes need the canUpdateOwnMetadata grant";
        return Err(JoinError::NotAllowed(needed));
    }
    if let Some(metadata) = metadata {
        grants.metadata.clone_from(metadata);
    }
    // An empty value does not delete what the token says.
    let set = join
        .attributes
        .iter()
        .filter(|(_, value)| !value.is_empty());
    grants
        .attributes
        .extend(set.map(|(key, value)| (key.clone(), value.clone())));
    Ok(())
}

fn plan_from_token(name: String, grants: &Grants) -> RoomPlan {
    let config = grants.room_config.clone().unwrap_or_default();
    RoomPlan {
        name,
        empty_timeout: config.empty_timeout,
        departure_timeout: config.departure_timeout,
        max_participants: config.max_participants,
        metadata: config.metadata,
        sync_streams: config.sync_streams,
    }
}

fn check_lengths(settings: &Settings, room: &str, grants: &Grants) -> Result<(), JoinError> {
    let check = |what, bytes, limit| match bytes > limit {
        true => Err(JoinError::TooLong { what, bytes, limit }),
        false => Ok(()),
    };
    check("the room name", room.len(), settings.max_room_name_bytes)?;
    check(
        "the identity",
        grants.identity.len(),
        settings.max_identity_bytes,
    )?;
    check(
        "the participant's name",
        grants.name.len(),
        settings.max_name_bytes,
    )?;
    check(
        "the metadata",
        grants.metadata.len(),
        settings.max_metadata_bytes,
    )?;
    let attributes = attributes_bytes(&grants.attributes);
    check("the attributes", attributes, settings.max_attributes_bytes)
}
