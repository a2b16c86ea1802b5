//! Ways in that were set up by the Ingress service.

use sqlx::Row as _;

use super::Store;

impl Store {
    /// Keeps one; what was known of it is replaced.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn ingress_save(&self, id: &str, info: &str) -> sqlx::Result<()> {
        const INSERT: &str = "INSERT INTO ingress (id, info) VALUES ($1, $2) \
                              ON CONFLICT (id) DO UPDATE SET info = excluded.info";
        let insert = sqlx::query(INSERT).bind(id).bind(info);
        insert.execute(&self.pool).await.map(drop)
    }

    /// Forgets one.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn ingress_delete(&self, id: &str) -> sqlx::Result<()> {
        let delete = sqlx::query("DELETE FROM ingress WHERE id = $1").bind(id);
        delete.execute(&self.pool).await.map(drop)
    }

    /// All of them, as JSON.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn ingresses(&self) -> sqlx::Result<Vec<String>> {
        let select = sqlx::query("SELECT info FROM ingress ORDER BY id");
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}
