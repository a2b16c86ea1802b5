use jiff::SignedDuration;
use surecast_guarantee::contract::life::{Fact, Side};
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::contract::policy::{Renewal, RenewalMode};
use surecast_guarantee::term::{Alignment, Term, TermKind};

use super::*;

/// 2026-06-01 to 2026-06-04, signed anew or two days of grace.
fn contract(version: u32) -> Contract {
    let (mut contract, _) = Contract::from_yaml(Plan::Entry.yaml()).unwrap();
    contract.version = version;
    contract.term = Term {
        kind: TermKind::Custom,
        start: "2026-06-01".parse().unwrap(),
        end: Some("2026-06-04".parse().unwrap()),
        zone: "UTC".to_owned(),
        alignment: Alignment::Calendar,
    };
    contract.renewal = Renewal {
        mode: RenewalMode::Signed,
        notice_days: 1,
        grace_days: 2,
    };
    contract
}

fn at(text: &str) -> Timestamp {
    let text = if text.contains('T') {
        format!("{text}Z")
    } else {
        format!("{text}T00:00:00Z")
    };
    text.parse().unwrap()
}

fn signed(contract: &Contract, day: &str) -> Vec<(Fact, Timestamp)> {
    let said = |by| Fact::RenewalSigned {
        contract: contract.id.clone(),
        version: contract.version,
        term_end: "2026-06-04".parse().unwrap(),
        by,
    };
    let both = [Side::Provider, Side::Customer];
    both.map(|by| (said(by), at(day))).to_vec()
}

fn known(contracts: Vec<(Contract, &str)>, facts: Vec<(Fact, Timestamp)>) -> Known {
    let logged = (0..).zip(contracts).map(|(leaf, (contract, day))| Logged {
        leaf,
        at: at(day),
        contract,
    });
    let contracts: Vec<Logged> = logged.collect();
    let kept = contracts.iter().map(|l| l.contract.id.clone()).collect();
    let news = News {
        size: 100,
        latest: None,
        contracts,
        facts: (10..)
            .zip(facts)
            .map(|(leaf, (f, at))| (f, leaf, at))
            .collect(),
        entries: Vec::new(),
    };
    let mut known = Known::default();
    known.handle(&news, &kept);
    known
}

/// The periods that are due then, by version, number, first instant and end.
fn due(known: &Known, now: &str) -> Vec<(u32, u32, String)> {
    let rules = Rules {
        settle_after: SignedDuration::ZERO,
        final_after: SignedDuration::ZERO,
    };
    let now = at(now);
    let reach = Reach {
        last: None,
        begun: now,
    };
    let due = known.due(&rules, reach, now).into_iter();
    due.map(|(key, _)| {
        let (contract, period) = known.subject(key).unwrap();
        let Period { start, end, .. } = period;
        (contract.version, key.1, format!("{start}/{end}"))
    })
    .collect()
}

#[test]
fn grace_and_renewals_are_settled() {
    let known_grace = known(vec![(contract(1), "2026-05-30")], Vec::new());
    let first = (1, 0, "2026-06-01/2026-06-04".to_owned());
    assert_eq!(
        due(&known_grace, "2026-06-04"),
        std::slice::from_ref(&first)
    );
    let grace = (1, 1, "2026-06-04/2026-06-06".to_owned());
    assert_eq!(due(&known_grace, "2026-06-20"), [first.clone(), grace]);
    assert_eq!(known_grace.periods("live", at("2026-06-20")), 0);
    let id = contract(1).id;
    assert_eq!(known_grace.periods(&id, at("2026-06-20")), 2);
    assert_eq!(known_grace.key(&id, 1), Some((0, 1)));
    assert_eq!(known_grace.key(&id, 2), None);

    let facts = signed(&contract(1), "2026-06-03");
    let renewed = known(vec![(contract(1), "2026-05-30")], facts);
    let second = (1, 1, "2026-06-04/2026-06-07".to_owned());
    assert_eq!(due(&renewed, "2026-06-07"), [first, second]);
}

#[test]
fn a_period_ends_where_a_later_version_begins() {
    let two = (contract(2), "2026-06-02T12:00:00");
    let known = known(vec![(contract(1), "2026-05-30"), two], Vec::new());
    let first = (1, 0, "2026-06-01/2026-06-03".to_owned());
    assert_eq!(due(&known, "2026-06-03"), std::slice::from_ref(&first));
    let second = (2, 0, "2026-06-03/2026-06-04".to_owned());
    assert_eq!(due(&known, "2026-06-04"), [first, second]);
    assert_eq!(known.key(&contract(1).id, 0), Some((1, 0)));
}

#[test]
fn only_the_first_leaf_of_a_version_binds() {
    let mut other = contract(1);
    other.renewal.grace_days = 0;
    let old = (contract(1), "2026-05-31");
    let known = known(
        vec![(contract(1), "2026-05-30"), (other, "2026-05-31"), old],
        Vec::new(),
    );
    assert_eq!(known.versions.len(), 1);
    assert_eq!(due(&known, "2026-06-04").len(), 1);
}

#[test]
fn rows_say_where_a_contract_stands_and_come_again_when_that_changes() {
    let mut known = known(vec![(contract(1), "2026-05-30")], Vec::new());
    let mut states = |now: &str| -> Vec<String> {
        let rows = known.changed(at(now)).into_iter();
        rows.map(|row| row.state).collect()
    };
    assert_eq!(states("2026-05-31"), ["signed"]);
    assert_eq!(states("2026-05-31T01:00:00"), [""; 0]);
    assert_eq!(states("2026-06-01"), ["active"]);
    assert_eq!(states("2026-06-04"), ["grace"]);
    assert_eq!(states("2026-06-06"), ["expired"]);
    assert_eq!(states("2027-06-06"), [""; 0]);
}
