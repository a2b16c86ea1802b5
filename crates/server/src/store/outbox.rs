//! Webhook events on their way.

use sqlx::Row as _;

use super::Store;

/// An event on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Given by the writer; grows.
    pub id: i64,
    /// Receiver.
    pub url: String,
    /// Room name: the order within a room is kept.
    pub room: String,
    /// `room_started` and the like, for the log.
    pub event: String,
    /// `EV_…`, for the log.
    pub event_id: String,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// What is posted.
    pub body: String,
}

/// Which events wait, without their bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxHead {
    /// As in [`OutboxEvent`].
    pub id: i64,
    /// Receiver.
    pub url: String,
    /// Room name.
    pub room: String,
    /// Unix milliseconds.
    pub created_ms: i64,
}

impl Store {
    /// Writes events, all or none.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn outbox_append(&self, events: &[OutboxEvent]) -> sqlx::Result<()> {
        const INSERT: &str = "INSERT INTO webhook_outbox (id, url, room, event, event_id, created_ms, body) \
                              VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let mut transaction = self.pool.begin().await?;
        for event in events {
            sqlx::query(INSERT)
                .bind(event.id)
                .bind(&event.url)
                .bind(&event.room)
                .bind(&event.event)
                .bind(&event.event_id)
                .bind(event.created_ms)
                .bind(&event.body)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Everything that waits, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn outbox_heads(&self) -> sqlx::Result<Vec<OutboxHead>> {
        let rows = sqlx::query("SELECT id, url, room, created_ms FROM webhook_outbox ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OutboxHead {
                    id: row.try_get(0)?,
                    url: row.try_get(1)?,
                    room: row.try_get(2)?,
                    created_ms: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// One event, when it is still there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn outbox_event(&self, id: i64) -> sqlx::Result<Option<OutboxEvent>> {
        const SELECT: &str = "SELECT id, url, room, event, event_id, created_ms, body FROM webhook_outbox WHERE id = $1";
        let row = sqlx::query(SELECT)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(OutboxEvent {
                id: row.try_get(0)?,
                url: row.try_get(1)?,
                room: row.try_get(2)?,
                event: row.try_get(3)?,
                event_id: row.try_get(4)?,
                created_ms: row.try_get(5)?,
                body: row.try_get(6)?,
            })
        })
        .transpose()
    }

    /// Delivered or given up.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn outbox_remove(&self, id: i64) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM webhook_outbox WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map(drop)
    }
}
