//! Ways in with a key of their own: what LiveKit's Ingress service sets up.
//!
//! An ingress is a stream key that stands for a room and an identity. Whoever
//! publishes with the key by RTMP or WHIP needs no token.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use surecast_room::proto::{IngressInfo, IngressInput, ingress_state::Status};
use surecast_room::{Grants, VideoGrant};

use crate::store::Store;

/// So many may be set up. Each takes about a kilobyte.
const MAX_INGRESSES: usize = 10_000;

/// Letters and digits that cannot be taken for one another: keys are typed.
const ALPHABET: &[u8] = b"23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";

/// Characters of a key: 116 bits, so that none can be found by trying.
const KEY_LENGTH: usize = 20;

/// What is set up, in memory and in the store.
pub struct Ingresses {
    store: Store,
    by_id: Mutex<HashMap<String, IngressInfo>>,
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum IngressError {
    /// No such id.
    #[error("there is no ingress {0:?}")]
    NotFound(String),
    /// As many as there may be.
    #[error("there are {MAX_INGRESSES} ingresses already: delete some")]
    TooMany,
    /// The store says no.
    #[error("the store cannot be written: {0}")]
    Store(#[from] sqlx::Error),
}

impl Ingresses {
    /// What the store has.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn load(store: Store) -> anyhow::Result<Self> {
        let mut by_id = HashMap::new();
        for json in store.ingresses().await? {
            match serde_json::from_str::<IngressInfo>(&json) {
                Ok(info) => {
                    by_id.insert(info.ingress_id.clone(), info);
                }
                Err(error) => {
                    tracing::error!(%error, "an ingress in the store cannot be read: passed over")
                }
            }
        }
        Ok(Self {
            store,
            by_id: Mutex::new(by_id),
        })
    }

    /// Sets one up; it gets its id and its key.
    ///
    /// # Errors
    /// There are too many, or the store cannot be written.
    pub async fn create(&self, mut info: IngressInfo) -> Result<IngressInfo, IngressError> {
        if self.lock().len() >= MAX_INGRESSES {
            return Err(IngressError::TooMany);
        }
        info.ingress_id = format!("IN_{}", random(12));
        if info.input_type() != IngressInput::UrlInput {
            info.stream_key = random(KEY_LENGTH);
        }
        self.save(&info).await?;
        Ok(info)
    }

    /// Changes one.
    ///
    /// # Errors
    /// There is none of this id, or the store cannot be written.
    pub async fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut IngressInfo),
    ) -> Result<IngressInfo, IngressError> {
        let found = self.lock().get(id).cloned();
        let mut info = found.ok_or_else(|| IngressError::NotFound(id.to_owned()))?;
        change(&mut info);
        self.save(&info).await?;
        Ok(info)
    }

    /// Forgets one.
    ///
    /// # Errors
    /// There is none of this id, or the store cannot be written.
    pub async fn delete(&self, id: &str) -> Result<IngressInfo, IngressError> {
        let found = self.lock().get(id).cloned();
        let info = found.ok_or_else(|| IngressError::NotFound(id.to_owned()))?;
        self.store.ingress_delete(id).await?;
        self.lock().remove(id);
        Ok(info)
    }

    /// All of a room, or of all rooms where that is empty, by id.
    pub fn list(&self, room: &str, id: &str) -> Vec<IngressInfo> {
        let by_id = self.lock();
        let wanted = by_id.values().filter(|info| {
            (room.is_empty() || info.room_name == room) && (id.is_empty() || info.ingress_id == id)
        });
        let mut all: Vec<_> = wanted.cloned().collect();
        all.sort_by(|a, b| a.ingress_id.cmp(&b.ingress_id));
        all
    }

    /// The ingress of a stream key.
    pub fn of_key(&self, key: &str) -> Option<IngressInfo> {
        let is = |info: &&IngressInfo| !info.stream_key.is_empty() && info.stream_key == key;
        self.lock().values().find(is).cloned()
    }

    async fn save(&self, info: &IngressInfo) -> Result<(), IngressError> {
        let kept = IngressInfo {
            state: None,
            ..info.clone()
        };
        // A message without maps: this cannot fail.
        let json = serde_json::to_string(&kept).unwrap_or_default();
        self.store.ingress_save(&info.ingress_id, &json).await?;
        self.lock().insert(info.ingress_id.clone(), kept);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, IngressInfo>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the holder of the key may do.
pub fn grants(info: &IngressInfo) -> Grants {
    let video = VideoGrant {
        room_join: true,
        room: info.room_name.clone(),
        can_publish: Some(true),
        can_subscribe: Some(false),
        ..VideoGrant::default()
    };
    Grants {
        identity: info.participant_identity.clone(),
        name: info.participant_name.clone(),
        metadata: info.participant_metadata.clone(),
        kind: "ingress".into(),
        video: Some(video),
        ..Grants::default()
    }
}

/// Whether it takes encoders at all.
pub fn is_enabled(info: &IngressInfo) -> bool {
    info.enabled != Some(false)
}

/// The state of one that nobody uses.
pub fn inactive() -> surecast_room::proto::IngressState {
    surecast_room::proto::IngressState {
        status: Status::EndpointInactive as i32,
        ..Default::default()
    }
}

fn random(length: usize) -> String {
    let mut bytes = vec![0; length];
    // It only fails where the system has no randomness, and then TLS would not
    // have come up either.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes.fill_with(|| fastrand::u8(..));
    }
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    bytes.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ingresses(dir: &tempfile::TempDir) -> Ingresses {
        let store = Store::open(dir.path(), "").await.unwrap();
        Ingresses::load(store).await.unwrap()
    }

    fn show() -> IngressInfo {
        IngressInfo {
            room_name: "show".into(),
            participant_identity: "obs".into(),
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn what_was_set_up_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let all = ingresses(&dir).await;
        let made = all.create(show()).await.unwrap();
        assert!(made.ingress_id.starts_with("IN_") && made.stream_key.len() == KEY_LENGTH);
        let other = all
            .create(IngressInfo {
                room_name: "b".into(),
                ..show()
            })
            .await
            .unwrap();
        assert_ne!(other.stream_key, made.stream_key);
        all.update(&made.ingress_id, |info| info.name = "Studio".into())
            .await
            .unwrap();
        all.delete(&other.ingress_id).await.unwrap();
        all.store.close().await;
        let again = ingresses(&dir).await;
        assert_eq!(
            again.list("", ""),
            [IngressInfo {
                name: "Studio".into(),
                ..made.clone()
            }]
        );
        assert_eq!(again.of_key(&made.stream_key).unwrap().room_name, "show");
        assert!(again.of_key("").is_none() && again.of_key(&other.stream_key).is_none());
        assert!(again.list("b", "").is_empty());
        assert!(matches!(
            again.delete("IN_x").await,
            Err(IngressError::NotFound(_))
        ));
    }

    #[test]
    fn the_key_lets_its_holder_publish_to_one_room() {
        let grants = grants(&show());
        let video = grants.video.unwrap();
        assert!(video.can_publish() && !video.can_subscribe());
        assert_eq!(
            (video.room.as_str(), grants.identity.as_str()),
            ("show", "obs")
        );
    }
}
