//! Name, metadata and attributes of a participant.

use std::collections::HashMap;

use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::proto;
use crate::proto::request_response::{Reason, Request};
use crate::settings::Settings;
use crate::token::VideoGrant;

/// What is too large, in words.
pub(crate) type TooLarge = &'static str;

const NOT_ALLOWED: (Reason, &str) = (
    Reason::NotAllowed,
    "does not have permission to update own metadata",
);

impl Room {
    /// The participant changes itself.
    pub(super) fn handle_update_metadata(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::UpdateParticipantMetadata,
        now: Now,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let allowed = participant
            .grant()
            .is_some_and(VideoGrant::can_update_own_metadata);
        let result = match allowed {
            true => self
                .update_metadata(cx, key, &update, now)
                .map_err(|too| (Reason::LimitExceeded, too)),
            false => Err(NOT_ALLOWED),
        };
        let request_id = update.request_id;
        let (reason, message, echo) = match result {
            Ok(()) => (Reason::Ok, "", update),
            // Not echoed: it may be the size that was wrong with it.
            Err((reason, message)) => {
                (reason, message, proto::UpdateParticipantMetadata::default())
            }
        };
        if reason != Reason::Ok {
            tracing::warn!(room = %self.name(), participant = %self.identity_of(key), message,
                "metadata update refused");
        }
        let echo = Request::UpdateMetadata(echo);
        self.respond(cx, key, reason, message, request_id, Some(echo));
    }

    /// Empty name and metadata mean no change, an empty attribute is deleted.
    pub(super) fn update_metadata(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: &proto::UpdateParticipantMetadata,
        now: Now,
    ) -> Result<(), TooLarge> {
        let Some(participant) = self.participants.get_mut(&key) else {
            return Ok(());
        };
        let mut grants = participant.grants.clone();
        merge_attributes(&mut grants.attributes, &update.attributes);
        if !update.name.is_empty() {
            grants.name.clone_from(&update.name);
        }
        if !update.metadata.is_empty() {
            grants.metadata.clone_from(&update.metadata);
        }
        check_sizes(
            &cx.settings,
            &grants.name,
            &grants.metadata,
            &grants.attributes,
        )?;
        if grants != participant.grants {
            participant.grants = grants;
            self.announce(cx, key, Echo::Yes, now);
            self.refresh_token(cx, key, now);
        }
        Ok(())
    }
}

/// Are these within the settings' limits?
pub(crate) fn check_sizes(
    settings: &Settings,
    name: &str,
    metadata: &str,
    attributes: &HashMap<String, String>,
) -> Result<(), TooLarge> {
    if name.len() > settings.max_name_bytes {
        return Err("exceeds name length limit");
    }
    if metadata.len() > settings.max_metadata_bytes {
        return Err("exceeds metadata size limit");
    }
    if attributes_bytes(attributes) > settings.max_attributes_bytes {
        return Err("exceeds attributes size limit");
    }
    Ok(())
}

pub(crate) fn attributes_bytes(attributes: &HashMap<String, String>) -> usize {
    attributes
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum()
}

fn merge_attributes(attributes: &mut HashMap<String, String>, changes: &HashMap<String, String>) {
    for (key, value) in changes {
        if value.is_empty() {
            attributes.remove(key);
        } else {
            attributes.insert(key.clone(), value.clone());
        }
    }
}
