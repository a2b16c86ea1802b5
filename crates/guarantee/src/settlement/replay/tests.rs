use super::super::tests::{START, contract, coverage, percent, rollup};
use super::super::{page, text};
use super::*;
use crate::contract::life::{Measures, settings_hash};
use crate::contract::policy::{Condition, Effect, ExclusionRule, Requirement};
use crate::evidence::leaf::LeafError;
use crate::exclusion::ExclusionClass;
use crate::module::Module;
use crate::offer::Lang;
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

/// A notice that came in the middle of a period can change it.
#[test]
fn facts_that_a_settlement_passes_over_are_counted() {
    let mut leaves = log();
    let early = settled(&leaves[..101]);
    let retired = Fact::SourceRetired {
        source: "server:b".parse().expect("a source"),
    };
    leaves.insert(101, fact(&retired, "2027-06-01T02:00:00Z"));
    let (mut replayer, all) = read(&with(leaves, &early));
    assert_eq!(all, Ok(()));
    let said = replayer.finish().expect("fine").join("\n");
    // 4,220 minutes and the fact.
    assert!(said.contains("does not stand on them: 4221,"), "{said}");
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

fn fact(said: &Fact, logged: &str) -> Leaf {
    said.leaf(at(logged)).expect("a leaf")
}

/// Settings of media that are frozen, drift before the term, and a notice.
fn governed(effect: Effect) -> (Contract, Vec<Leaf>) {
    let hashes = |c: char| BTreeMap::from([(Module::Media, c.to_string().repeat(64))]);
    let mut contract = agreement();
    contract.conditions = vec![Condition {
        requires: Requirement::FrozenConfig {
            sha256: settings_hash(&hashes('b')).expect("a hash"),
            modules: vec![Module::Media],
        },
        cure_days: 0,
        effect,
    }];
    let rule = ExclusionRule {
        notice_hours: 0,
        cap_minutes: 2_000,
    };
    contract
        .exclusions
        .insert(ExclusionClass::ConfigurationDrift, rule);
    let settings = |c| Fact::Settings {
        source: "server:a".parse().expect("a source"),
        modules: hashes(c),
    };
    let notice = Fact::ConditionNotice {
        contract: contract.id.clone(),
        version: 1,
        condition: 0,
    };
    let mut leaves = log();
    let signed = Leaf::json(Kind::Contract, at("2027-05-30T00:00:00Z"), &contract);
    leaves[0] = signed.expect("a leaf");
    leaves.insert(1, fact(&settings('b'), "2027-05-30T01:00:00Z"));
    leaves.insert(2, fact(&settings('c'), "2027-05-30T02:00:00Z"));
    leaves.insert(3, fact(&notice, "2027-05-31T12:00:00Z"));
    // The drift ends two days into the term.
    leaves.insert(4 + 2880, fact(&settings('b'), "2027-06-03T00:00:00Z"));
    (contract, leaves)
}

#[test]
fn conditions_have_their_effects_and_are_settled_again() {
    for (effect, attained, excluded, suspended, credit) in [
        (Effect::Notify, "4308/4320", 0, 0, 80),
        // The cap of the class is used, and the minutes that were down are in it.
        (Effect::Exclude, "2320/2320", 2_000, 0, 0),
        (Effect::SuspendCredits, "4308/4320", 0, 172_800, 0),
    ] {
        let (contract, leaves) = governed(effect);
        let period = contract.term.periods().expect("periods")[0];
        let (mut replayer, all) = read(&leaves);
        all.expect("read");
        let s = replayer.settle(&contract, &period, None).expect("settled");
        assert_eq!(s.lines[0].counts.to_string(), attained, "{effect:?}");
        assert_eq!(s.lines[0].excluded_minutes, excluded);
        assert_eq!((s.suspended_s, s.credit), (suspended, credit.into()));
        let line = &s.conditions[0];
        assert_eq!((line.leaf, line.lapsed_s), (3, 172_800));
        assert_eq!(line.modules, [Module::Media]);
        assert_eq!(read(&with(leaves.clone(), &s)).1, Ok(()));
        for (lang, word) in [(Lang::En, "frozen settings"), (Lang::Zh, "冻结配置")] {
            assert!(page(&s, &[], lang).contains(word));
        }
        assert!(text(&s, Lang::En).contains("condition 0, frozen settings (Audio and video)"));
        let mut other = s.clone();
        other.conditions[0].lapsed_s += 1;
        let error = read(&with(leaves, &other)).1.expect_err("found out");
        assert!(error.contains("conditions.1.lapsed_s"), "{error}");
    }
}

/// Old leaves name no contract and count for all.
#[test]
fn an_exclusion_counts_for_the_contracts_that_it_names() {
    let mut contract = agreement();
    let rule = ExclusionRule {
        notice_hours: 0,
        cap_minutes: 2_000,
    };
    contract
        .exclusions
        .insert(ExclusionClass::Maintenance, rule);
    let period = contract.term.periods().expect("periods")[0];
    let start = Minute(START + 90).start();
    let end = Minute(START + 120).start();
    for (named, taken) in [
        ("", true),
        (r#""contracts":["other"],"#, false),
        (
            &format!(r#""contracts":["{}","other"],"#, contract.id)[..],
            true,
        ),
    ] {
        let text = format!(
            r#"exclusion 2027-05-30T00:00:00Z {{"approved_by":"ops","class":"maintenance",{named}"declared_at":"2027-05-30T00:00:00Z","interval":{{"end":"{end}","start":"{start}"}},"log_index":null,"module":null,"region":null}}"#
        );
        let mut leaves = log();
        let signed = Leaf::json(Kind::Contract, at("2027-05-30T00:00:00Z"), &contract);
        leaves[0] = signed.expect("a leaf");
        leaves.insert(1, Leaf::parse(text.as_bytes()).expect("a leaf"));
        let (mut replayer, all) = read(&leaves);
        all.expect("read");
        let s = replayer.settle(&contract, &period, None).expect("settled");
        let down = if taken { 0 } else { 12 };
        assert_eq!(s.lines[0].down_minutes, down, "{named}");
        assert_eq!(s.exclusions.len(), usize::from(taken), "{named}");
        assert_eq!(read(&with(leaves, &s)).1, Ok(()));
    }
}

/// Late clocks pay nothing once a generation that was not paid on has no support.
#[test]
fn generations_have_their_effects_and_are_settled_again() {
    use crate::contract::policy::{OnUpgrade, Successors};
    let breach = ClockBreach {
        contract: agreement().id,
        incident: "incident-1".to_owned(),
        clock: crate::settlement::BreachedClock::Response,
        severity: crate::severity::Severity::S1,
        due: at("2027-06-02T10:00:00Z"),
    };
    let about = |generation: &str| Fact::SupportEnded {
        contract: agreement().id,
        version: 1,
        generation: generation.to_owned(),
    };
    let upgraded = Fact::GenerationUpgraded {
        contract: agreement().id,
        version: 1,
        generation: "2".to_owned(),
        from: "2027-06-03".parse().expect("a day"),
    };
    for (successors, unsupported_s, paid) in [
        (Successors::FixesOnly, 2 * 86_400, false),
        (Successors::Included, 0, true),
    ] {
        let mut contract = agreement();
        contract.generations.successors = successors;
        contract.generations.included = vec!["1".to_owned()];
        contract.generations.support_days = 0;
        contract.generations.notice_days = 0;
        contract.generations.on_upgrade = OnUpgrade::RestartTerm;
        let worth = crate::contract::remedy::Breach::Amount(50.into());
        contract
            .remedies
            .late_response
            .insert(breach.severity, worth);
        let mut leaves = log();
        let signed = Leaf::json(Kind::Contract, at("2027-05-30T00:00:00Z"), &contract);
        leaves[0] = signed.expect("a leaf");
        let released = Fact::GenerationReleased {
            generation: "2".to_owned(),
            replaces: "1".to_owned(),
        };
        leaves.insert(1, fact(&released, "2027-05-30T00:00:01Z"));
        leaves.insert(2, fact(&about("1"), "2027-06-01T10:00:00Z"));
        let kind: Kind = "breach".parse().expect("a kind");
        let late = Leaf::json(kind, at("2027-06-02T10:00:00Z"), &breach);
        leaves.push(late.expect("a leaf"));
        let with_upgrade = successors == Successors::Included;
        if with_upgrade {
            leaves.insert(3 + 2160, fact(&upgraded, "2027-06-02T12:00:00Z"));
        }
        let period = contract.term.periods().expect("periods")[0];
        let (mut replayer, all) = read(&leaves);
        all.expect("read");
        let s = replayer.settle(&contract, &period, None).expect("settled");
        let line = s.generations.first().expect("a line");
        assert_eq!((line.leaf, line.unsupported_s), (2, unsupported_s));
        assert_eq!(line.refused.is_some(), with_upgrade);
        assert_eq!(!s.breaches[0].credit.is_zero(), paid, "{successors:?}");
        // The upgrade begins the term anew: the period ends there.
        let end = if with_upgrade {
            "2027-06-03"
        } else {
            "2027-06-04"
        };
        assert_eq!(s.period.end, end.parse().expect("a day"));
        assert_eq!(read(&with(leaves.clone(), &s)).1, Ok(()));
        assert!(text(&s, Lang::En).contains("end of support of generation 1"));
        assert!(text(&s, Lang::Zh).contains("停止支持产品代 1"));
        assert!(page(&s, &[], Lang::Zh).contains("停止支持产品代"));
        let mut other = s.clone();
        other.generations[0].unsupported_s += 1;
        let error = read(&with(leaves, &other)).1.expect_err("found out");
        assert!(error.contains("generations.1.unsupported_s"), "{error}");
    }
}

/// The class is allowed, and the condition was never given notice of.
#[test]
fn nobody_declares_what_only_a_condition_can_exclude() {
    let (contract, mut leaves) = governed(Effect::Exclude);
    let declared = |class| Exclusion {
        class,
        declared_at: at("2027-05-31T12:00:00Z"),
        interval: agreement().term.periods().expect("periods")[0].interval,
        module: None,
        region: None,
        approved_by: "ops".to_owned(),
        log_index: None,
        contracts: Vec::new(),
    };
    let classes = [
        ExclusionClass::ConfigurationDrift,
        ExclusionClass::AbovePeak,
        ExclusionClass::MinimumSpend,
    ];
    // In place of the notice.
    leaves.remove(3);
    for class in classes {
        let leaf = Leaf::json(
            Kind::Exclusion,
            at("2027-05-31T12:00:00Z"),
            &declared(class),
        );
        leaves.insert(3, leaf.expect("a leaf"));
    }
    let period = contract.term.periods().expect("periods")[0];
    let (mut replayer, all) = read(&leaves);
    all.expect("read");
    let s = replayer.settle(&contract, &period, None).expect("settled");
    assert_eq!(s.lines[0].counts.to_string(), "4308/4320");
    assert_eq!(s.lines[0].excluded_minutes, 0);
    let refused = s.exclusions.iter().filter(|e| classes.contains(&e.class));
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused.len(), 3);
    for said in refused {
        assert_eq!(said.counted_s, 0);
        let why = said.refused.as_deref().expect("a reason");
        assert!(why.contains("nobody can declare"), "{why}");
    }
    assert_eq!(read(&with(leaves, &s)).1, Ok(()));
}

#[test]
fn a_period_is_split_where_a_later_version_begins() {
    let one = agreement();
    let mut two = agreement();
    two.version = 2;
    let mut leaves = log();
    let logged = at("2027-06-02T12:00:00Z");
    let second = Leaf::json(Kind::Contract, logged, &two).expect("a leaf");
    leaves.insert(1 + 1440 + 720, second);
    let (mut replayer, all) = read(&leaves);
    all.expect("read");
    let period = one.term.periods().expect("periods")[0];
    let of = |contract: &Contract, replayer: &mut Replayer| {
        let s = replayer.settle(contract, &period, None);
        s.expect("settled")
    };
    let (a, b) = (of(&one, &mut replayer), of(&two, &mut replayer));
    assert_eq!(a.period.interval.end, b.period.interval.start);
    assert_eq!(a.period.end, "2027-06-03".parse().expect("a day"));
    assert_eq!(a.fee + b.fee, rust_decimal::Decimal::from(800));
    let leaves = with(with(leaves, &a), &b);
    assert_eq!(read(&leaves).1, Ok(()));
    // The whole period under the first version is not what the log says.
    let mut whole = a.clone();
    whole.period.interval = period.interval;
    whole.period.end = period.end;
    let error = read(&with(log(), &whole)).1.expect_err("found out");
    assert!(!error.is_empty());
}

#[test]
fn a_source_that_dies_is_settled_as_down() {
    let expects = Fact::SourceStarted {
        source: "server:b".parse().expect("a source"),
        lines: [Measures {
            module: Module::Media,
            region: "eu-west".parse().expect("a region"),
        }]
        .into(),
    };
    let contract = agreement();
    let period = contract.term.periods().expect("periods")[0];
    let mut leaves = log();
    leaves.insert(1, fact(&expects, "2027-05-30T00:00:01Z"));
    let (mut replayer, _) = read(&leaves);
    let s = replayer.settle(&contract, &period, None).expect("settled");
    assert_eq!(s.lines[0].down_minutes, 4_320);
    let gone = Fact::SourceRetired {
        source: "server:b".parse().expect("a source"),
    };
    leaves.insert(2, fact(&gone, "2027-05-30T00:00:02Z"));
    let (mut replayer, _) = read(&leaves);
    let s = replayer.settle(&contract, &period, None).expect("settled");
    assert_eq!(s.lines[0].down_minutes, 12);
}
