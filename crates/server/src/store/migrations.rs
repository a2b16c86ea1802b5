//! Schema changes.

use std::pin::Pin;

use sqlx::error::BoxDynError;
use sqlx::migrate::{Migration, MigrationSource, MigrationType};

/// Every schema change, oldest first. Never edit one that was released.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "webhook outbox",
        include_str!("../../migrations/0001_webhook_outbox.sql"),
    ),
    (
        2,
        "guarantee",
        include_str!("../../migrations/0002_guarantee.sql"),
    ),
    (
        3,
        "ingress",
        include_str!("../../migrations/0003_ingress.sql"),
    ),
];

/// The migrations in the program, up to a version.
#[derive(Debug)]
pub(super) struct UpTo(pub(super) i64);

impl MigrationSource<'static> for UpTo {
    fn resolve(self) -> Pin<Box<dyn Future<Output = Result<Vec<Migration>, BoxDynError>> + Send>> {
        let migrations = MIGRATIONS.iter().filter(|(version, ..)| *version <= self.0);
        let migrations = migrations.map(|(version, name, sql)| {
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
