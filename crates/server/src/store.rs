//! What must survive a restart: SQLite in the data directory.
//!
//! The SQL is kept to what PostgreSQL takes as well, so that the same
//! migrations can serve both.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::error::BoxDynError;
use sqlx::migrate::{Migration, MigrationSource, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlitePool};

/// File name in the data directory.
const FILE: &str = "surecast.db";

/// Every schema change, oldest first. Never edit one that was released.
const MIGRATIONS: &[(i64, &str, &str)] = &[(
    1,
    "webhook outbox",
    include_str!("../migrations/0001_webhook_outbox.sql"),
)];

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: SqlitePool,
}

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
    /// Opens or makes the store in a directory, and brings its schema up to date.
    ///
    /// # Errors
    /// The file cannot be opened, is damaged, or was made by a newer version.
    pub async fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE);
        let context = || format!("cannot open the store {}", path.display());
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered survives a power cut; writes come in batches.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        // SQLite has one writer; a second connection would only wait for locks.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .with_context(context)?;
        let migrator = Migrator::new(Embedded).await.with_context(context)?;
        migrator.run(&pool).await.with_context(context)?;
        Ok(Self { pool })
    }

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

    /// Writes everything out and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The migrations in the program.
#[derive(Debug)]
struct Embedded;

impl MigrationSource<'static> for Embedded {
    fn resolve(self) -> Pin<Box<dyn Future<Output = Result<Vec<Migration>, BoxDynError>> + Send>> {
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                (*sql).into(),
                false,
            )
        });
        let migrations = migrations.collect();
        Box::pin(async move { Ok(migrations) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64) -> OutboxEvent {
        OutboxEvent {
            id,
            url: "http://a/".into(),
            room: "r".into(),
            event: "room_started".into(),
            event_id: format!("EV_{id}"),
            created_ms: 5,
            body: "{}".into(),
        }
    }

    #[tokio::test]
    async fn events_survive_reopening_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        store
            .outbox_append(&[event(2), event(1), event(3)])
            .await
            .unwrap();
        store.outbox_remove(2).await.unwrap();
        store.close().await;

        let store = Store::open(dir.path()).await.unwrap();
        let ids: Vec<i64> = store
            .outbox_heads()
            .await
            .unwrap()
            .into_iter()
            .map(|head| head.id)
            .collect();
        assert_eq!(ids, [1, 3]);
        assert_eq!(store.outbox_event(3).await.unwrap(), Some(event(3)));
        assert_eq!(store.outbox_event(2).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_batch_is_all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        store.outbox_append(&[event(1)]).await.unwrap();
        assert!(store.outbox_append(&[event(2), event(1)]).await.is_err());
        assert_eq!(store.outbox_heads().await.unwrap().len(), 1);
    }
}
