use std::collections::BTreeSet;

use serde_json::Value;

use super::access::{Act, allows};
use super::{BASE, openapi, routes};
use crate::guarantee::Role;

/// Described with the others, and served beside them.
const BESIDE: [(&str, &str); 3] = [
    ("get", "/guarantee/v1/status"),
    ("post", "/guarantee/v1/probes"),
    ("post", "/guarantee/v1/receipts"),
];

#[test]
fn every_route_is_described_and_nothing_else() {
    let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.clone(), path.clone()));
        }
    }
    let own = routes();
    let own = own.iter();
    let own = own.map(|route| (route.method.to_owned(), format!("{BASE}{}", route.path)));
    let beside = BESIDE.map(|(method, path)| (method.to_owned(), path.to_owned()));
    let served: BTreeSet<_> = own.chain(beside).collect();
    assert_eq!(served, described);
}

/// What everybody may read needs no token, and says so.
#[test]
fn the_description_says_what_needs_no_token() {
    let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
    for route in routes() {
        let path = format!("{BASE}{}", route.path);
        let open = document["paths"][&path][route.method]["security"] == serde_json::json!([]);
        assert_eq!(open, route.act == Act::Public, "{path}");
    }
}

#[test]
fn each_role_may_do_this() {
    use Act::{Declare, Hook, Incident, Public, Read, Register, Settle, Ticket};
    let people = [Public, Read, Incident, Ticket];
    let leads: &[Act] = &[Public, Read, Incident, Ticket, Declare, Register, Settle];
    let table: [(Role, &[Act]); 8] = [
        (Role::Operator, leads),
        (Role::AccountManager, leads),
        (Role::Agent, &people),
        (Role::Expert, &people),
        (
            Role::Customer,
            &[Public, Read, Incident, Ticket, Register, Settle],
        ),
        (Role::Auditor, &[Public, Read]),
        (Role::Probe, &[Public]),
        (Role::Hook, &[Public, Hook]),
    ];
    let acts = [
        Public, Read, Incident, Ticket, Declare, Register, Settle, Hook,
    ];
    assert_eq!(table.len(), Role::ALL.len());
    for (role, allowed) in table {
        for act in acts {
            assert_eq!(allows(role, act), allowed.contains(&act), "{role} {act:?}");
        }
    }
}

/// Whoever may change something may look at it; auditors change nothing.
#[test]
fn nobody_changes_what_they_cannot_read() {
    for role in Role::ALL {
        let changes = routes()
            .iter()
            .any(|r| r.method == "post" && allows(role, r.act));
        let reads = allows(role, Act::Read);
        assert_eq!(changes && !reads, role == Role::Hook, "{role}");
        assert_eq!(reads && !changes, role == Role::Auditor, "{role}");
    }
}
