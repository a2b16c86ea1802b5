#![allow(
    clippy::single_range_in_vec_init,
    reason = "a list of runs may have one"
)]

use proptest::prelude::*;

use super::*;
use crate::contract::remedy::{Matrix, Row, Scheme, Tier};
use crate::coverage::{Coverage, Method, Window};
use crate::module::Module;
use crate::ratio::Percent;
use crate::rollup::experience::{Experience, Experienced};
use crate::rollup::{Counts, MINUTE_MS, Minute, Rollup, Source};

/// 2027-06-01T00:00Z.
pub(super) const START: u32 = 30_196_800;
/// Minutes of a June.
pub(super) const JUNE: u32 = 30 * 1440;

pub(super) fn percent(text: &str) -> Percent {
    text.parse().expect("a share")
}

pub(super) fn coverage(module: Module, fee_share: &str) -> Coverage {
    Coverage {
        module,
        region: "eu-west".parse().expect("a region"),
        method: Method::Timeslices {
            slice_minutes: 1,
            good_from: percent("95%"),
        },
        guard_good_from: None,
        floor: 0,
        target: percent("99.9%"),
        window: Window::Period,
        fee_share: percent(fee_share),
        critical: true,
    }
}

fn tier(below: &str, credit: &str) -> Tier {
    Tier {
        below: percent(below),
        credit: percent(credit),
    }
}

/// A year from 2027-06-01, one line, 8,000 a month, AWS-style tiers.
pub(super) fn contract() -> Contract {
    let (mut contract, _) =
        Contract::from_yaml(crate::contract::plan::Plan::Entry.yaml()).expect("a plan");
    contract.term.start = "2027-06-01".parse().expect("a day");
    contract.fee.per_period = Decimal::from(8_000);
    contract.coverage = vec![coverage(Module::Media, "100%")];
    contract.remedies.scheme = Scheme::Tiers(vec![
        tier("99.9%", "10%"),
        tier("99%", "25%"),
        tier("95%", "100%"),
    ]);
    contract.remedies.cap = percent("100%");
    contract.remedies.claim_within_days = None;
    contract
}

pub(super) fn rollup(module: Module, minute: u32, down: bool) -> Rollup {
    let (up_ms, down_ms) = if down { (0, MINUTE_MS) } else { (MINUTE_MS, 0) };
    let counts = Counts {
        up_ms,
        down_ms,
        good: u64::from(!down),
        bad: u64::from(down),
    };
    let region = "eu-west".parse().expect("a region");
    let source = Source::Server("a".to_owned());
    Rollup::new(Minute(minute), module, region, source, counts).expect("in bounds")
}

/// A June of one module with so many bad minutes from a minute on.
pub(super) fn june(module: Module, down: &[std::ops::Range<u32>]) -> Vec<Rollup> {
    let bad = |m: u32| down.iter().any(|run| run.contains(&m));
    (0..JUNE)
        .map(|m| rollup(module, START + m, bad(m)))
        .collect()
}

pub(super) fn settled(contract: &Contract, rollups: &[Rollup], more: &Evidence<'_>) -> Settlement {
    let mut table = RollupTable::new();
    for rollup in rollups {
        table.import(rollup, None).expect("imported");
    }
    let period = contract.term.periods().expect("periods")[0];
    let evidence = Evidence {
        table: &table,
        ..*more
    };
    settle(contract, &period, &evidence, None, None).expect("settled")
}

pub(super) fn with<T>(
    exclusions: &[Exclusion],
    breaches: &[ClockBreach],
    run: impl FnOnce(&Evidence<'_>) -> T,
) -> T {
    let inputs = Inputs::Log {
        size: 7,
        root: "root".to_owned(),
    };
    run(&Evidence {
        table: &RollupTable::new(),
        experiences: &ExperienceTable::new(),
        exclusions,
        breaches,
        record: &Record::default(),
        inputs: &inputs,
    })
}

fn money(text: &str) -> Decimal {
    Decimal::from_str_exact(text).expect("an amount")
}

/// Reference: maintenance declared in time and too late.
#[test]
fn maintenance_takes_out_only_what_was_declared_in_time() {
    let contract = contract();
    let day = 9 * 1440;
    let down = [day + 110..day + 160, day + 600..day + 620];
    let rollups = june(Module::Media, &down);
    for (declared, minutes, units, credit, refused) in [
        ("2027-06-08T02:00:00Z", 30, 99_930_362, "0", false),
        ("2027-06-08T14:00:00Z", 70, 99_837_962, "800", true),
    ] {
        let exclusion = Exclusion {
            class: ExclusionClass::Maintenance,
            declared_at: declared.parse().expect("an instant"),
            interval: Minute::span(Minute(START + day + 120), Minute(START + day + 240)),
            module: None,
            region: None,
            approved_by: "ops".to_owned(),
            log_index: Some(3),
            contracts: Vec::new(),
        };
        let s = with(&[exclusion], &[], |e| settled(&contract, &rollups, e));
        let line = &s.lines[0];
        assert_eq!(line.down_minutes, minutes, "{declared}");
        assert_eq!(line.attained.map(Percent::units), Some(units));
        assert_eq!(s.credit, money(credit));
        assert_eq!(s.exclusions[0].refused.is_some(), refused);
    }
}

/// Reference: slots of five minutes, 12 fully bad.
#[test]
fn five_minute_slots() {
    let mut contract = contract();
    for (method, attained) in [
        (Method::RatioTimeslices { slice_minutes: 5 }, 99_826_388),
        (
            Method::Timeslices {
                slice_minutes: 5,
                good_from: percent("95%"),
            },
            99_791_666,
        ),
    ] {
        contract.coverage[0].method = method;
        // 12 slots fail fully; of 6 more, every fifth minute counts by half.
        let mut rollups = june(Module::Media, &[0..60]);
        for slot in 100..106 {
            for minute in 0..5 {
                let counts = Counts {
                    up_ms: MINUTE_MS / 2,
                    down_ms: MINUTE_MS / 2,
                    good: 1,
                    bad: 1,
                };
                let old = &rollups[slot * 5 + minute];
                let (region, source) = (old.region.clone(), old.source.clone());
                rollups[slot * 5 + minute] =
                    Rollup::new(old.minute, old.module, region, source, counts).expect("bounds");
            }
        }
        let s = with(&[], &[], |e| settled(&contract, &rollups, e));
        assert_eq!(s.lines[0].attained.map(Percent::units), Some(attained));
        assert_eq!(s.credit, money("800"));
    }
}

fn xla() -> Matrix {
    let row = |below, credits: [&str; 4]| Row {
        below: percent(below),
        credits: credits.map(percent).to_vec(),
    };
    Matrix {
        receipts: false,
        rows: vec![
            row("99.5%", ["5%", "6%", "7%", "8%"]),
            row("99%", ["10%", "12%", "14%", "16%"]),
            row("95%", ["30%", "35%", "40%", "45%"]),
            row("90%", ["100%", "100%", "100%", "100%"]),
        ],
    }
}

/// Reference: rates 94/98/99.6/99.9 of a fee of 1,000,000, and all 99.5; by the
/// lines, and by the indicators.
#[test]
fn a_matrix_looks_at_all_rates_together() {
    let modules = [
        Module::Join,
        Module::Signalling,
        Module::Media,
        Module::Playback,
    ];
    let mut contract = contract();
    contract.fee.per_period = Decimal::from(1_000_000);
    contract.remedies.scheme = Scheme::Matrix(xla());
    contract.coverage = modules.map(|m| coverage(m, "25%")).to_vec();
    for (bad, credit) in [
        // of 43,200 minutes: 6 %, 2 %, 0.4 %, 0.1 %
        ([2_592, 864, 172, 43], "350000"),
        ([216; 4], "0"),
    ] {
        let rollups: Vec<Rollup> = modules
            .iter()
            .zip(bad)
            .flat_map(|(&module, bad)| june(module, &[0..bad]))
            .collect();
        let s = with(&[], &[], |e| settled(&contract, &rollups, e));
        assert_eq!((s.credit, s.matrix_credit), (money(credit), money(credit)));
        let mut experiences = ExperienceTable::new();
        for minute in 0..JUNE {
            let mut counts = Experienced::default();
            for (i, indicator) in crate::rollup::experience::Indicator::ALL.iter().enumerate() {
                let all = if i == 0 { 100 } else { 100 * MINUTE_MS };
                counts.add(*indicator, if minute < bad[i] { 0 } else { all }, all);
            }
            let experience = Experience {
                minute: Minute(START + minute),
                region: "eu-west".parse().expect("a region"),
                source: Source::Server("a".to_owned()),
                counts,
            };
            experiences.import(&experience).expect("imported");
        }
        let s = with(&[], &[], |e| {
            let e = Evidence {
                experiences: &experiences,
                ..*e
            };
            // No rollup at all: the indicators decide.
            settled(&contract, &[], &e)
        });
        assert_eq!((s.credit, s.indicators.len()), (money(credit), 4));
    }
}

/// Reference: start 2026-03-17, three months; the fee follows the days.
#[test]
fn short_periods_have_their_part_of_the_fee() {
    let mut contract = contract();
    contract.term.kind = crate::term::TermKind::Custom;
    contract.term.start = "2027-03-17".parse().expect("a day");
    contract.term.end = Some("2027-06-17".parse().expect("a day"));
    contract.fee.per_period = Decimal::from(9_300);
    let fees: Vec<Decimal> = contract
        .term
        .periods()
        .expect("periods")
        .iter()
        .map(|period| money::fee(&contract, period).expect("an amount"))
        .collect();
    let expected = ["4500", "9300", "9300", "4960"].map(money);
    assert_eq!(fees, expected);
}

#[test]
fn cap_minimum_breaches_and_one_rounding() {
    let breach = |incident: &str, clock, severity| ClockBreach {
        contract: "entry".to_owned(),
        incident: incident.to_owned(),
        clock,
        severity,
        due: "2027-06-10T00:00:00Z".parse().expect("an instant"),
    };
    use crate::contract::remedy::Breach;
    use BreachedClock::{Response, Restoration};
    use Severity::{S1, S2};
    let breaches = [
        breach("i-1", Response, S1),
        breach("i-1", Response, S1),
        breach("i-1", Restoration, S1),
        breach("i-2", Restoration, S2),
    ];
    let rollups = june(Module::Media, &[0..44]);
    for (cap, minimum, amount, sum, credit) in [
        // 10 % of 8,000, 2 % of it for the response, an amount for S1.
        ("100%", None, "100.005", "1060.005", "1060.01"),
        ("100%", None, "100.004", "1060.004", "1060"),
        ("12.5%", None, "100", "1060", "1000"),
        ("100%", Some("2000"), "100", "1060", "2000"),
        ("20%", Some("2000"), "100", "1060", "1600"),
    ] {
        let mut contract = contract();
        contract.remedies.cap = percent(cap);
        contract.remedies.minimum = minimum.map(money);
        contract.remedies.late_response = [(S1, Breach::Percent(percent("2%")))].into();
        contract.remedies.late_restoration = [(S1, Breach::Amount(money(amount)))].into();
        let s = with(&[], &breaches, |e| settled(&contract, &rollups, e));
        assert_eq!(
            (s.sum, s.credit),
            (money(sum), money(credit)),
            "{cap} {minimum:?}"
        );
        assert_eq!(s.breaches.len(), 3, "each clock of an incident once");
    }
    let mut contract = contract();
    contract.remedies.minimum = Some(money("2000"));
    let s = with(&[], &[], |e| {
        settled(&contract, &june(Module::Media, &[]), e)
    });
    assert_eq!(
        s.credit,
        Decimal::ZERO,
        "nothing is due, not even the minimum"
    );
}

#[test]
fn what_nobody_said_is_down_and_listed() {
    let contract = contract();
    let mut rollups = june(Module::Media, &[]);
    rollups.drain(1000..1100);
    let s = with(&[], &[], |e| settled(&contract, &rollups, e));
    let line = &s.lines[0];
    assert_eq!((line.bad, line.no_data, line.down_minutes), (100, 100, 100));
    let silent = Minute::span(Minute(START + 1000), Minute(START + 1100));
    assert_eq!((&line.silent[..], line.more_silent), (&[silent][..], 0));
    assert_eq!(line.outages.count, 1);
    assert_eq!(s.credit, money("800"));
    let nothing = with(&[], &[], |e| settled(&contract, &[], e));
    assert_eq!(nothing.credit, money("8000"), "no evidence at all");
}

#[test]
fn a_statement_goes_on_by_new_entries() {
    let contract = contract();
    let rollups = june(Module::Media, &[0..44]);
    let first = with(&[], &[], |e| settled(&contract, &rollups, e));
    let entry = |leaf, settlement| Entry { leaf, settlement };
    let first = entry(9, first);
    let disputed = Settlement::next(&first, Step::Dispute, Some("Whose clock?")).expect("allowed");
    assert_eq!(disputed.status, Status::Disputed);
    assert_eq!((disputed.entry, disputed.before), (1, Some(9)));
    assert_eq!(disputed.lines, first.settlement.lines);
    let disputed = entry(12, disputed);
    assert!(Settlement::next(&disputed, Step::Credit, None).is_err());
    assert!(Settlement::next(&disputed, Step::Correct, None).is_err());
    let long = "x".repeat(MAX_REASON + 1);
    assert!(Settlement::next(&first, Step::Dispute, Some(&long)).is_err());
    let period = contract.term.periods().expect("periods")[0];
    let again = with(&[], &[], |e| {
        settle(&contract, &period, e, Some(&disputed), None).expect("settled")
    });
    assert_eq!((again.status, again.before), (Status::Recomputed, Some(12)));
    let other = contract.term.periods().expect("periods")[1];
    let wrong = with(&[], &[], |e| {
        settle(&contract, &other, e, Some(&disputed), None).expect_err("another period")
    });
    assert!(matches!(wrong, SettleError::OtherPeriod { .. }), "{wrong}");
}

#[test]
fn a_statement_survives_its_canonical_form() {
    let s = with(&[], &[], |e| {
        settled(&contract(), &june(Module::Media, &[5..50]), e)
    });
    let text = s.to_canonical().expect("canonical");
    let read: Settlement = serde_json::from_str(&text).expect("read");
    assert_eq!(read, s);
    insta::assert_snapshot!(text);
}

#[test]
fn amounts_beyond_exactness_are_refused() {
    let mut contract = contract();
    contract.fee.per_period = Decimal::MAX;
    let period = contract.term.periods().expect("periods")[0];
    let error = with(&[], &[], |e| settle(&contract, &period, e, None, None));
    assert_eq!(error, Err(SettleError::Amount));
}

/// Two days, so that many cases are quick.
fn short() -> Contract {
    let mut contract = contract();
    contract.term.kind = crate::term::TermKind::Custom;
    contract.term.end = Some("2027-06-03".parse().expect("a day"));
    contract.remedies.cap = percent("60%");
    contract.coverage = vec![
        coverage(Module::Media, "70%"),
        coverage(Module::Join, "30%"),
    ];
    contract
}

fn two_days(down: &[std::collections::BTreeSet<u32>; 2]) -> Vec<Rollup> {
    let modules = [Module::Media, Module::Join].into_iter().zip(down);
    modules
        .flat_map(|(module, down)| {
            (0..2880).map(move |m| rollup(module, START + m, down.contains(&m)))
        })
        .collect()
}

fn minutes() -> impl Strategy<Value = std::collections::BTreeSet<u32>> {
    let run = (0..2880_u32, 1..200_u32);
    prop::collection::vec(run, 0..4).prop_map(|runs| {
        let all = runs
            .into_iter()
            .flat_map(|(from, len)| from..(from + len).min(2880));
        all.collect()
    })
}

fn schemes() -> impl Strategy<Value = Scheme> {
    use crate::contract::remedy::Proportional;
    prop_oneof![
        Just(contract().remedies.scheme),
        (1..20_u32).prop_map(|times| Scheme::Proportional(Proportional { times })),
        Just(Scheme::Matrix(xla())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn more_downtime_never_credits_less_and_never_more_than_the_cap(
        scheme in schemes(),
        down in [minutes(), minutes()],
        more in [minutes(), minutes()],
        session_seconds in any::<bool>(),
    ) {
        let mut contract = short();
        contract.remedies.scheme = scheme;
        if session_seconds {
            contract.coverage[0].method = Method::SessionSeconds;
        }
        let worse = [0, 1].map(|i| &down[i] | &more[i]);
        let mild = with(&[], &[], |e| settled(&contract, &two_days(&down), e));
        let worse = with(&[], &[], |e| settled(&contract, &two_days(&worse), e));
        prop_assert!(worse.credit >= mild.credit, "{} < {}", worse.credit, mild.credit);
        prop_assert!(worse.credit <= worse.cap);
    }

    #[test]
    fn neither_order_nor_repetition_changes_a_byte(
        down in [minutes(), minutes()],
        seed in any::<u64>(),
    ) {
        let contract = short();
        let rollups = two_days(&down);
        // Leaves are part of a statement, so they come with their rollups.
        let numbered: Vec<(u64, Rollup)> = (0..).zip(rollups).collect();
        let mut shuffled = [&numbered[..], &numbered[..700]].concat();
        shuffled.sort_by_key(|(leaf, _)| leaf.wrapping_mul(seed | 1).rotate_left(17));
        let text = |rollups: &[(u64, Rollup)]| {
            let mut table = RollupTable::new();
            for (leaf, rollup) in rollups {
                table.import(rollup, Some(*leaf)).expect("imported");
            }
            let period = contract.term.periods().expect("periods")[0];
            with(&[], &[], |e| {
                let e = Evidence { table: &table, ..*e };
                settle(&contract, &period, &e, None, None).expect("settled")
            })
            .to_canonical()
        };
        prop_assert_eq!(text(&numbered), text(&shuffled));
        let digest = |rollups: &[(u64, Rollup)]| {
            let mut table = RollupTable::new();
            for (leaf, rollup) in rollups {
                table.import(rollup, Some(*leaf)).expect("imported");
            }
            let period = contract.term.periods().expect("periods")[0];
            inputs::digest(&contract, &period, &table, &[], &[])
        };
        prop_assert_eq!(digest(&numbered), digest(&shuffled));
    }
}
