use super::plan::Plan;
use super::*;

fn hash(text: &str) -> String {
    let (contract, _) = Contract::from_yaml(text).expect("a contract");
    contract.hash().expect("canonical")
}

#[test]
fn the_hash_is_of_what_was_agreed_not_of_how_it_was_written() {
    let text = Plan::Entry.yaml();
    let same = text
        .replace("per_period: 500", "per_period: \"500.00\"")
        .replace("target: 99.5%", "target: 99.500%")
        .replace("tzdb: 2026f", "# A comment.\ntzdb: '2026f'");
    assert_ne!(text, same);
    assert_eq!(hash(text), hash(&same));
    let other = text.replace(
        "target: 99.5%, fee_share: 20%",
        "target: 99.51%, fee_share: 20%",
    );
    assert_ne!(hash(text), hash(&other));
}

#[test]
fn a_guard_of_its_own_is_part_of_the_contract() {
    let line = "floor: 10, target: 99.5%, fee_share: 20%";
    let guard = |share: &str| {
        let with = format!("good_from: {share}, {line}");
        Plan::Entry.yaml().replacen(line, &with, 1)
    };
    let (contract, _) = Contract::from_yaml(&guard("98%")).expect("a contract");
    assert_eq!(contract.coverage[1].guard_good_from, "98%".parse().ok());
    assert_eq!(
        contract.coverage[1].method,
        crate::coverage::Method::SessionSeconds
    );
    let yaml = contract.to_yaml().expect("YAML");
    let (again, _) = Contract::from_yaml(&yaml).expect("the same contract");
    assert_eq!(again, contract);
    assert_ne!(
        contract.hash().expect("canonical"),
        hash(Plan::Entry.yaml())
    );
    let problems = Contract::from_yaml(&guard("0%")).expect_err("every minute is good");
    assert!(problems[0].what.contains("would be good"), "{problems:?}");
}

#[test]
fn canonical_json_is_a_contract_again() {
    for plan in Plan::ALL {
        let (contract, _) = Contract::from_yaml(plan.yaml()).expect("a contract");
        let json = contract.canonical_json().expect("canonical");
        let again: Contract = serde_json::from_str(&json).expect("the same contract");
        assert_eq!(again, contract);
        // JSON is YAML: what the log holds can be checked, too.
        let (again, _) = Contract::from_yaml(&json).expect("the same contract");
        assert_eq!(again, contract);
        let yaml = contract.to_yaml().expect("YAML");
        let (again, _) = Contract::from_yaml(&yaml).expect("the same contract");
        assert_eq!(again, contract);
    }
}

#[test]
fn the_canonical_form_stays_as_it_was_signed() {
    let (contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
    insta::assert_snapshot!(contract.canonical_json().expect("canonical"));
    assert_eq!(contract.critical_modules(), [Module::Join, Module::Media]);
}
