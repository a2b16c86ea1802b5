//! Open incidents and tickets, and what is to be told to people.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;

/// The engines of one contract, as they give themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskState {
    /// Name of the contract.
    pub contract: String,
    /// SHA-256 of the version that they run under.
    pub hash: String,
    /// Snapshot of the incidents, in canonical JSON.
    pub incidents: String,
    /// Snapshot of the tickets, in canonical JSON.
    pub tickets: String,
    /// Unix milliseconds.
    pub saved_ms: i64,
}

/// Something to be told to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Given by the store; grows, and is never given twice.
    pub id: i64,
    /// Name of the contract.
    pub contract: String,
    /// What, and to whom.
    pub body: String,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// How often it was tried.
    pub attempts: i32,
    /// Not before this; Unix milliseconds.
    pub due_ms: i64,
    /// Why it did not go out the last time.
    pub error: String,
}

impl Store {
    /// The engines of a contract.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn desk(&self, contract: &str) -> sqlx::Result<Option<DeskState>> {
        const SELECT: &str =
            "SELECT contract, hash, incidents, tickets, saved_ms FROM desk WHERE contract = $1";
        let row = sqlx::query(SELECT)
            .bind(contract)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(DeskState {
                contract: row.try_get(0)?,
                hash: row.try_get(1)?,
                incidents: row.try_get(2)?,
                tickets: row.try_get(3)?,
                saved_ms: row.try_get(4)?,
            })
        })
        .transpose()
    }

    /// Keeps the engines of a contract and, with them or not at all, what they
    /// have to tell: bodies of letters and when they are due (Unix milliseconds).
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn desk_save(
        &self,
        state: &DeskState,
        letters: &[(String, i64)],
    ) -> sqlx::Result<()> {
        const DESK: &str = "INSERT INTO desk (contract, hash, incidents, tickets, saved_ms) \
                            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (contract) DO UPDATE SET \
                            hash = excluded.hash, incidents = excluded.incidents, \
                            tickets = excluded.tickets, saved_ms = excluded.saved_ms";
        const NUMBER: &str =
            "UPDATE counter SET value = value + 1 WHERE name = 'letter' RETURNING value";
        const LETTER: &str = "INSERT INTO letter \
                              (id, contract, body, created_ms, attempts, due_ms, error) \
                              VALUES ($1, $2, $3, $4, 0, $5, '')";
        let mut transaction = self.pool.begin().await?;
        sqlx::query(DESK)
            .bind(&state.contract)
            .bind(&state.hash)
            .bind(&state.incidents)
            .bind(&state.tickets)
            .bind(state.saved_ms)
            .execute(&mut *transaction)
            .await?;
        for (body, due_ms) in letters {
            let id: i64 = sqlx::query_scalar(NUMBER)
                .fetch_one(&mut *transaction)
                .await?;
            sqlx::query(LETTER)
                .bind(id)
                .bind(&state.contract)
                .bind(body)
                .bind(state.saved_ms)
                .bind(*due_ms)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Letters that are due, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn letters_due(&self, now_ms: i64, most: u32) -> sqlx::Result<Vec<Letter>> {
        const SELECT: &str = "SELECT id, contract, body, created_ms, attempts, due_ms, error \
                              FROM letter WHERE due_ms <= $1 ORDER BY id LIMIT $2";
        let rows = sqlx::query(SELECT)
            .bind(now_ms)
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(letter).collect()
    }

    /// How many letters wait, and when the next one is due.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn letters_waiting(&self) -> sqlx::Result<(u64, Option<i64>)> {
        const SELECT: &str = "SELECT COUNT(*), COALESCE(MIN(due_ms), -1) FROM letter";
        let row = sqlx::query(SELECT).fetch_one(&self.pool).await?;
        let count: i64 = row.try_get(0)?;
        let first: i64 = row.try_get(1)?;
        let count = u64::try_from(count).unwrap_or(0);
        Ok((count, (count > 0).then_some(first)))
    }

    /// It did not go out: it is due again later.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn letter_retry(
        &self,
        id: i64,
        attempts: i32,
        due_ms: i64,
        error: &str,
    ) -> sqlx::Result<()> {
        sqlx::query("UPDATE letter SET attempts = $2, due_ms = $3, error = $4 WHERE id = $1")
            .bind(id)
            .bind(i64::from(attempts))
            .bind(due_ms)
            .bind(error)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Taken, or given up.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn letter_remove(&self, id: i64) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM letter WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map(drop)
    }
}

fn letter(row: &AnyRow) -> sqlx::Result<Letter> {
    let attempts: i64 = row.try_get(4)?;
    Ok(Letter {
        id: row.try_get(0)?,
        contract: row.try_get(1)?,
        body: row.try_get(2)?,
        created_ms: row.try_get(3)?,
        attempts: i32::try_from(attempts).unwrap_or(i32::MAX),
        due_ms: row.try_get(5)?,
        error: row.try_get(6)?,
    })
}
