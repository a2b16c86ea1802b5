use super::super::tests::{START, contract, coverage, percent, rollup};
use super::*;
use crate::evidence::leaf::LeafError;
use crate::module::Module;
use crate::rollup::Minute;

/// Three days of media.
fn agreement() -> Contract {
    let mut contract = contract();
    contract.term.kind = crate::term::TermKind::Custom;
    contract.term.end = Some("2027-06-04".parse().expect("a day"));
    contract.coverage = vec![coverage(Module::Media, "100%")];
    contract.remedies.cap = percent("50%");
    contract
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn minute(minute: u32, down: bool) -> Leaf {
    let rollup = rollup(Module::Media, START + minute, down);
    let end = Minute(START + minute + 1).start();
    Leaf::text(Kind::Rollup, end, &rollup.to_string()).expect("a leaf")
}

/// Contract and minutes, 12 of which are down.
fn log() -> Vec<Leaf> {
    let first = Leaf::json(Kind::Contract, at("2027-05-30T00:00:00Z"), &agreement());
    let minutes = (0..4320).map(|m| minute(m, (100..112).contains(&m)));
    [first.expect("a leaf")]
        .into_iter()
        .chain(minutes)
        .collect()
}

fn read(leaves: &[Leaf]) -> (Replayer, Result<(), String>) {
    let mut replayer = Replayer::new();
    for (index, leaf) in (0..).zip(leaves) {
        if let Err(why) = replayer.handle_leaf(index, &leaf.to_bytes()) {
            return (replayer, Err(why));
        }
    }
    (replayer, Ok(()))
}

fn settled(leaves: &[Leaf]) -> Settlement {
    let contract = agreement();
    let period = contract.term.periods().expect("periods")[0];
    let (mut replayer, read) = read(leaves);
    read.expect("read");
    replayer.settle(&contract, &period, None).expect("settled")
}

fn leaf(settlement: &Settlement) -> Result<Leaf, LeafError> {
    let kind = settlement.step.kind();
    Leaf::json(kind, at("2027-06-05T00:00:00Z"), settlement)
}

fn with(mut leaves: Vec<Leaf>, settlement: &Settlement) -> Vec<Leaf> {
    leaves.push(leaf(settlement).expect("a leaf"));
    leaves
}

#[test]
fn what_was_settled_is_settled_again() {
    let leaves = log();
    let first = settled(&leaves);
    let root = match &first.inputs {
        Inputs::Log { size, root } => (*size, root.clone()),
        Inputs::Digest { .. } => panic!("it stands on a log"),
    };
    let mut tree = Edge::new();
    leaves.iter().for_each(|l| tree.push(l.hash(), |_, _| {}));
    assert_eq!(root, (4321, tree.root().to_string()));
    // What comes between is not among the inputs.
    let mut leaves = leaves;
    leaves.push(minute(200, true));
    let mut leaves = with(leaves, &first);
    assert_eq!(read(&leaves).1, Ok(()));
    // It leads to a correction, which is another entry.
    let second = settled(&leaves);
    assert_eq!((second.step, second.before), (Step::Correct, Some(4322)));
    assert_eq!(second.lines[0].down_minutes, 13);
    assert_eq!(second.contradictions.len(), 1);
    leaves = with(leaves, &second);
    let before = Entry {
        leaf: 4323,
        settlement: second,
    };
    for (step, leaf) in [(Step::Finalise, 4324), (Step::Credit, 4325)] {
        let (replayer, _) = read(&leaves);
        let last = replayer.settled(&agreement(), 0).expect("an entry").clone();
        assert_eq!(last.leaf + 1, leaf);
        let next = Settlement::next(&last, step, None).expect("allowed");
        leaves = with(leaves, &next);
    }
    let (mut replayer, all) = read(&leaves);
    assert_eq!(all, Ok(()));
    assert_eq!(
        replayer.finish().expect("fine"),
        [
            "settlements computed again from the log, the same byte for byte: 2",
            "changes of their status that say the same as before: 2",
            "leaves about a period that came before its settlement, which does not stand on \
             them: 1, the first such settlement is leaf 4322; a correction is due",
        ]
    );
    let stale = Settlement::next(&before, Step::Dispute, None).expect("allowed");
    let (_, error) = read(&with(leaves, &stale));
    assert!(error.is_err(), "an entry that was passed over");
}

#[test]
fn what_differs_is_named() {
    let leaves = log();
    let honest = settled(&leaves);
    let changed = |change: &dyn Fn(&mut Settlement)| {
        let mut settlement = honest.clone();
        change(&mut settlement);
        read(&with(leaves.clone(), &settlement))
            .1
            .expect_err("found out")
    };
    let head = "the settlement of entry version 1, period 0: ";
    let size = |size: u64| {
        let root = "x".to_owned();
        move |s: &mut Settlement| {
            s.inputs = Inputs::Log {
                size,
                root: root.clone(),
            }
        }
    };
    for (change, expected) in [
        (
            Box::new(|s: &mut Settlement| s.lines[0].down_minutes = 1)
                as Box<dyn Fn(&mut Settlement)>,
            "lines.1.down_minutes (media eu-west): the log says 1, the evidence says 12",
        ),
        (
            Box::new(|s: &mut Settlement| s.credit = 1.into()),
            "credit: the log says \"1\", the evidence says \"80\"",
        ),
        (
            Box::new(size(4321)),
            "inputs.log.root: the log says \"x\", the evidence says",
        ),
        (
            Box::new(size(4322)),
            "it stands on 4322 leaves, and there are 4321 before it",
        ),
        (
            Box::new(|s: &mut Settlement| s.contract.hash = "0".repeat(64)),
            "the contract 0000000000000000000000000000000000000000000000000000000000000000 is not in the log before it",
        ),
        (
            Box::new(|s: &mut Settlement| s.period.index = 7),
            "there is no period 7: by what the log says until here, version 1 of the contract",
        ),
        (
            Box::new(|s: &mut Settlement| s.step = Step::Correct),
            "the step `correct` does not fit",
        ),
    ] {
        let error = changed(&*change);
        assert!(error.contains(expected), "{error}");
        assert!(
            error.starts_with("the settlement of entry version 1, period "),
            "{error} {head}"
        );
    }
    let early = Leaf::json(Kind::Settlement, at("2027-06-03T23:59:59Z"), &honest);
    let leaves = [&leaves[..], &[early.expect("a leaf")]].concat();
    let error = read(&leaves).1.expect_err("early");
    assert!(error.contains("before its period ends"), "{error}");
}

/// Late in the log is late, whatever is written in it.
#[test]
fn an_exclusion_counts_from_its_place_in_the_log() {
    let interval = Minute::span(Minute(START + 100), Minute(START + 112));
    let exclusion = |declared: &str| {
        let said = serde_json::json!({
            "class": "maintenance", "declared_at": declared, "interval": interval,
            "module": null, "region": null, "approved_by": "ops", "log_index": 0,
        });
        Leaf::json(Kind::Exclusion, at(declared), &said).expect("a leaf")
    };
    let early = exclusion("2027-05-30T00:00:01Z");
    let mut leaves = log();
    leaves.insert(1, early.clone());
    let s = settled(&leaves);
    assert_eq!(
        (s.lines[0].down_minutes, s.lines[0].excluded_minutes),
        (0, 12)
    );
    assert_eq!(s.exclusions[0].leaf, Some(1));
    let mut leaves = log();
    leaves.push(early);
    let s = settled(&leaves);
    assert_eq!(s.lines[0].down_minutes, 12);
    let why = s.exclusions[0].refused.as_deref().expect("refused");
    assert!(why.starts_with("declared -"), "{why}");
}

#[test]
fn leaves_of_others_do_no_harm() {
    let mut leaves: Vec<Vec<u8>> = log().iter().map(Leaf::to_bytes).collect();
    for junk in [
        &b"\xff"[..],
        b"rollup 2027-06-01T00:00:00Z {}",
        b"rollup 2027-06-01T00:00:00Z experience x",
        b"no_data 2027-06-01T00:00:00Z what",
        b"contract 2027-06-01T00:00:00Z {\"id\":\"x\"}",
        b"exclusion 2027-06-01T00:00:00Z x",
        b"note 2027-06-01T00:00:00Z x",
        b"",
    ] {
        leaves.push(junk.to_vec());
    }
    let mut replayer = Replayer::new();
    for (index, leaf) in (0..).zip(&leaves) {
        replayer.handle_leaf(index, leaf).expect("passed over");
    }
    let said = replayer.finish().expect("fine");
    assert!(said[0].starts_with("5 leaves cannot be read"), "{said:?}");
    for junk in ["settlement", "correction", "breach"] {
        let leaf = format!("{junk} 2027-06-01T00:00:00Z {{}}");
        assert!(
            replayer.handle_leaf(9000, leaf.as_bytes()).is_err(),
            "{junk}"
        );
    }
}
