//! The same tests on SQLite and on PostgreSQL.

use super::*;

#[path = "../../tests/it/postgres.rs"]
mod postgres;

/// A store that can be closed and opened again.
struct Place {
    dir: tempfile::TempDir,
    url: String,
}

impl Place {
    async fn open(&self) -> Store {
        Store::open(self.dir.path(), &self.url)
            .await
            .unwrap_or_else(|error| panic!("{}: {error:#}", self.name()))
    }

    fn name(&self) -> &'static str {
        if self.url.is_empty() {
            "SQLite"
        } else {
            "PostgreSQL"
        }
    }
}

/// A new place of each kind.
fn places() -> Vec<Place> {
    let urls = std::iter::once(String::new()).chain(postgres::database());
    urls.map(|url| Place {
        dir: tempfile::tempdir().expect("a directory"),
        url,
    })
    .collect()
}

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

fn desk(saved_ms: i64) -> DeskState {
    DeskState {
        contract: "show".into(),
        hash: "ab".into(),
        incidents: format!("{{\"at\":{saved_ms}}}"),
        tickets: "\u{4e2d}\u{6587} 'quoted' \"twice\"".into(),
        saved_ms,
    }
}

fn settlement(period: i64, entry: i64, leaf: i64) -> SettlementRow {
    SettlementRow {
        contract: "show".into(),
        hash: "ab".into(),
        period,
        entry,
        leaf,
        status: "provisional".into(),
        canonical: "{}".into(),
        at_ms: 7,
    }
}

#[tokio::test]
async fn events_survive_reopening_in_order() {
    for place in places() {
        let store = place.open().await;
        let events = [event(2), event(1), event(3)];
        store.outbox_append(&events).await.unwrap();
        store.outbox_remove(2).await.unwrap();
        store.close().await;

        let store = place.open().await;
        let heads = store.outbox_heads().await.unwrap();
        let ids: Vec<i64> = heads.into_iter().map(|head| head.id).collect();
        assert_eq!(ids, [1, 3], "{}", place.name());
        assert_eq!(store.outbox_event(3).await.unwrap(), Some(event(3)));
        assert_eq!(store.outbox_event(2).await.unwrap(), None);
        store.close().await;
    }
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    for place in places() {
        let store = place.open().await;
        store.outbox_append(&[event(1)]).await.unwrap();
        let twice = store.outbox_append(&[event(2), event(1)]).await;
        assert!(twice.is_err(), "{}", place.name());
        let heads = store.outbox_heads().await.unwrap();
        assert_eq!(heads.len(), 1, "{}", place.name());
        store.close().await;
    }
}

#[tokio::test]
async fn a_desk_is_kept_with_its_letters() {
    for place in places() {
        let store = place.open().await;
        assert_eq!(store.desk("show").await.unwrap(), None);
        let letters = [("a".to_owned(), 10), ("b".to_owned(), 30)];
        store.desk_save(&desk(10), &letters).await.unwrap();
        store
            .desk_save(&desk(20), &[("c".into(), 20)])
            .await
            .unwrap();
        store.close().await;

        let store = place.open().await;
        assert_eq!(store.desk("show").await.unwrap(), Some(desk(20)));
        assert_eq!(store.desk("other").await.unwrap(), None);
        assert_eq!(store.letters_waiting().await.unwrap(), (3, Some(10)));
        let due = store.letters_due(20, 10).await.unwrap();
        let bodies: Vec<_> = due.iter().map(|l| (l.id, l.body.as_str())).collect();
        assert_eq!(bodies, [(1, "a"), (3, "c")], "{}", place.name());
        assert_eq!((due[1].created_ms, due[1].attempts), (20, 0));

        store.letter_retry(1, 4, 99, "refused").await.unwrap();
        store.letter_remove(2).await.unwrap();
        let due = store.letters_due(99, 1).await.unwrap();
        assert_eq!(due.len(), 1);
        let first = &due[0];
        assert_eq!((first.attempts, first.error.as_str()), (4, "refused"));
        for id in [1, 3] {
            store.letter_remove(id).await.unwrap();
        }
        assert_eq!(store.letters_waiting().await.unwrap(), (0, None));
        // A receiver tells copies by the number: it is never given again.
        store
            .desk_save(&desk(30), &[("d".into(), 0)])
            .await
            .unwrap();
        assert_eq!(store.letters_due(0, 1).await.unwrap()[0].id, 4);
        store.close().await;
    }
}

#[tokio::test]
async fn contracts_and_statements_are_kept_once() {
    for place in places() {
        let store = place.open().await;
        let mut row = ContractRow {
            id: "show".into(),
            version: 1,
            hash: "ab".into(),
            canonical: "{}".into(),
            state: "signed".into(),
            leaf: None,
            at_ms: 1,
        };
        store.contract_save(&row).await.unwrap();
        assert_eq!(store.contracts().await.unwrap(), [row.clone()]);
        row.state = "active".into();
        row.leaf = Some(0);
        store.contract_save(&row).await.unwrap();
        assert_eq!(store.contracts().await.unwrap(), [row]);

        for leaf in [9, 12, 12] {
            let entry = i64::from(leaf > 9);
            let row = settlement(0, entry, leaf);
            store.settlement_save(&row).await.unwrap();
        }
        let found = store.settlements("show").await.unwrap();
        let expected = [settlement(0, 0, 9), settlement(0, 1, 12)];
        assert_eq!(found, expected, "{}", place.name());
        assert_eq!(store.settlements("other").await.unwrap(), []);
        store.close().await;
    }
}

#[tokio::test]
async fn a_store_of_the_first_version_is_brought_up_to_date() {
    for place in places() {
        // As the first version left it: the first migration alone.
        let old = Store::open_at(place.dir.path(), &place.url, 1)
            .await
            .unwrap();
        old.outbox_append(&[event(1)]).await.unwrap();
        assert!(old.desk("show").await.is_err(), "{}", place.name());
        old.close().await;
        let store = place.open().await;
        assert_eq!(store.outbox_event(1).await.unwrap(), Some(event(1)));
        assert_eq!(store.desk("show").await.unwrap(), None);
        store.close().await;
    }
}

#[tokio::test]
async fn a_postgres_database_is_used_by_one_server() {
    let Some(url) = postgres::database() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path(), &url).await.unwrap();
    let second = Store::open(dir.path(), &url).await;
    let why = format!("{:#}", second.err().expect("refused"));
    assert!(why.contains("another surecast uses this database"), "{why}");
    first.close().await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    for (url, part) in [
        (
            "postgres://me:hidden@127.0.0.1:1/db",
            "postgres://me@127.0.0.1:1/db",
        ),
        (
            "mysql://me:hidden@h/db",
            "neither postgres:// nor postgresql://",
        ),
    ] {
        let error = Store::open(dir.path(), url).await.err().expect("refused");
        let why = format!("{error:#}");
        assert!(why.contains(part), "{why}");
        assert!(!why.contains("hidden"), "{why}");
    }
    std::fs::write(dir.path().join(FILE), [7; 4096]).unwrap();
    let error = Store::open(dir.path(), "").await.err().expect("refused");
    assert!(format!("{error:#}").contains(FILE), "{error:#}");
}
