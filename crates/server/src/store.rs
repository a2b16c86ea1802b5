//! What must survive a restart, behind one seam: SQLite in the data directory,
//! or PostgreSQL where several machines are to share it or where it is what a
//! team knows how to keep.
//!
//! One set of migrations and one set of statements serves both: `BIGINT` and
//! `TEXT`, `$1` for parameters, `ON CONFLICT`, `RETURNING`. The same tests run on
//! both.

mod desk;
mod ingress;
mod ledger;
mod migrations;
mod outbox;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AnyPool, Connection as _, Executor as _, SqliteConnection};

pub use desk::{DeskState, Letter};
pub use ledger::{ContractRow, SettlementRow};
pub use outbox::{OutboxEvent, OutboxHead};

/// File name in the data directory.
const FILE: &str = "surecast.db";

/// Connections to PostgreSQL: the outbox, the desk, the settler and a reader do
/// not wait for one another.
const CONNECTIONS: u32 = 5;

/// How long a start waits for a database, and a statement for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that has just ended holds the lock until the database has heard of
/// it; one that is started again at once waits so long.
const GOODBYE: Duration = Duration::from_secs(5);

/// Of the advisory lock that says that a server uses a PostgreSQL database; the
/// ASCII of `surecast`, so that whoever looks into `pg_locks` can guess it.
const LOCK: i64 = 0x7375_7265_6361_7374;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
}

impl Store {
    /// Opens or makes the store, and brings its schema up to date: the database
    /// at `url` (`postgres://…`), or, where that is empty, a file in `dir`.
    ///
    /// # Errors
    /// It cannot be reached, opened or written, is damaged, was made by a newer
    /// version, or is in use by another server.
    pub async fn open(dir: &Path, url: &str) -> anyhow::Result<Self> {
        Self::open_at(dir, url, i64::MAX).await
    }

    /// With the schema of an older version, for tests of upgrades.
    async fn open_at(dir: &Path, url: &str, version: i64) -> anyhow::Result<Self> {
        install_default_drivers();
        let (pool, shown) = if url.is_empty() {
            let path = dir.join(FILE);
            let shown = format!("the store {}", path.display());
            (sqlite(&path).await, shown)
        } else {
            (
                postgres(url).await,
                format!("the store {}", without_password(url)),
            )
        };
        let context = || format!("cannot open {shown}");
        let pool = pool.with_context(context)?;
        let migrator = Migrator::new(migrations::UpTo(version)).await;
        let migrator = migrator.with_context(context)?;
        migrator.run(&pool).await.with_context(context)?;
        Ok(Self { pool })
    }

    /// Writes everything out and closes it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn sqlite(path: &Path) -> anyhow::Result<AnyPool> {
    // Settings that stay with the file, and a first look whether it is one.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    SqliteConnection::connect_with(&options)
        .await?
        .close()
        .await?;
    let path = path.to_str();
    let path = path.context("the path of the data directory is not UTF-8")?;
    let options: AnyConnectOptions = format!("sqlite://{}", percent(path)).parse()?;
    // SQLite has one writer; a second connection would only wait for locks.
    let pool = AnyPoolOptions::new()
        .max_connections(1)
        .after_connect(|connection, _| {
            // What was answered survives a power cut; writes come in batches.
            Box::pin(async move {
                connection.execute("PRAGMA synchronous = FULL").await?;
                connection.execute("PRAGMA busy_timeout = 5000").await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

async fn postgres(url: &str) -> anyhow::Result<AnyPool> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!("`store.url` begins with neither postgres:// nor postgresql://");
    }
    let options: AnyConnectOptions = url.parse().context("`store.url` cannot be read")?;
    let pool = AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    lock(&pool).await?;
    Ok(pool)
}

/// One server per database: the ids of events are given by it. The lock goes
/// with its connection, which is kept out of the pool for as long as that lives.
async fn lock(pool: &AnyPool) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?.detach();
    let patient = Instant::now() + GOODBYE;
    loop {
        let got: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut connection)
            .await?;
        if got {
            break;
        }
        if Instant::now() > patient {
            bail!("another surecast uses this database: stop that one, or give this one its own");
        }
        tokio::time::sleep(GOODBYE / 20).await;
    }
    let closed = pool.clone();
    tokio::spawn(async move {
        closed.close_event().await;
        // It ends with the server; whether it hears the goodbye does not matter.
        let _ = connection.close().await;
    });
    Ok(())
}

/// The path of a file in a URL.
fn percent(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// For messages: `postgres://user:secret@host/db` without the secret.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "(a URL without a scheme)".to_owned();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = path.split('?').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => format!("{scheme}://{authority}{path}"),
    }
}

#[cfg(test)]
mod tests;
