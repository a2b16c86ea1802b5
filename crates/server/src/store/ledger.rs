//! Versions of contracts and their statements: what the log says, ready to be
//! looked up.

use sqlx::Row as _;

use super::Store;

/// Stands for a leaf that is not there yet: one type less in the statements.
const NO_LEAF: i64 = -1;

/// A version of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractRow {
    /// Name of the agreement.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// SHA-256 of its canonical JSON, in hexadecimal.
    pub hash: String,
    /// The canonical JSON.
    pub canonical: String,
    /// Where it stands.
    pub state: String,
    /// Its leaf; none before it is in the log.
    pub leaf: Option<i64>,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// An entry of a period of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    /// Name of the agreement.
    pub contract: String,
    /// SHA-256 of its version.
    pub hash: String,
    /// 0 for the first.
    pub period: i64,
    /// 0 for the first statement of the period.
    pub entry: i64,
    /// Its leaf.
    pub leaf: i64,
    /// Where it stands.
    pub status: String,
    /// The statement as it stands in the log.
    pub canonical: String,
    /// Unix milliseconds.
    pub at_ms: i64,
}

impl Store {
    /// Keeps a version; what was known of its state and leaf is replaced.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn contract_save(&self, row: &ContractRow) -> sqlx::Result<()> {
        const INSERT: &str = "INSERT INTO contract \
                              (hash, id, version, canonical, state, leaf, at_ms) \
                              VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash) DO UPDATE \
                              SET state = excluded.state, leaf = excluded.leaf, \
                              at_ms = excluded.at_ms";
        sqlx::query(INSERT)
            .bind(&row.hash)
            .bind(&row.id)
            .bind(row.version)
            .bind(&row.canonical)
            .bind(&row.state)
            .bind(row.leaf.unwrap_or(NO_LEAF))
            .bind(row.at_ms)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// All versions of all contracts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn contracts(&self) -> sqlx::Result<Vec<ContractRow>> {
        const SELECT: &str = "SELECT id, version, hash, canonical, state, leaf, at_ms \
                              FROM contract ORDER BY id, version, at_ms, hash";
        let rows = sqlx::query(SELECT).fetch_all(&self.pool).await?;
        rows.into_iter()
            .map(|row| {
                let leaf: i64 = row.try_get(5)?;
                Ok(ContractRow {
                    id: row.try_get(0)?,
                    version: row.try_get(1)?,
                    hash: row.try_get(2)?,
                    canonical: row.try_get(3)?,
                    state: row.try_get(4)?,
                    leaf: (leaf != NO_LEAF).then_some(leaf),
                    at_ms: row.try_get(6)?,
                })
            })
            .collect()
    }

    /// Keeps an entry of a period; the same one again changes nothing but what
    /// is different.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn settlement_save(&self, row: &SettlementRow) -> sqlx::Result<()> {
        const INSERT: &str = "INSERT INTO settlement \
                              (contract, hash, period, entry, leaf, status, canonical, at_ms) \
                              VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                              ON CONFLICT (contract, hash, period, entry) DO UPDATE SET \
                              leaf = excluded.leaf, status = excluded.status, \
                              canonical = excluded.canonical, at_ms = excluded.at_ms";
        sqlx::query(INSERT)
            .bind(&row.contract)
            .bind(&row.hash)
            .bind(row.period)
            .bind(row.entry)
            .bind(row.leaf)
            .bind(&row.status)
            .bind(&row.canonical)
            .bind(row.at_ms)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// All entries of a contract, in the order of the log.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn settlements(&self, contract: &str) -> sqlx::Result<Vec<SettlementRow>> {
        const SELECT: &str = "SELECT contract, hash, period, entry, leaf, status, canonical, at_ms \
                              FROM settlement WHERE contract = $1 ORDER BY leaf";
        let rows = sqlx::query(SELECT)
            .bind(contract)
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(SettlementRow {
                    contract: row.try_get(0)?,
                    hash: row.try_get(1)?,
                    period: row.try_get(2)?,
                    entry: row.try_get(3)?,
                    leaf: row.try_get(4)?,
                    status: row.try_get(5)?,
                    canonical: row.try_get(6)?,
                    at_ms: row.try_get(7)?,
                })
            })
            .collect()
    }
}
