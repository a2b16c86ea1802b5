use super::*;
use crate::contract::Contract;
use crate::contract::plan::Plan;
use crate::coverage::{Coverage, Method, Window};
use crate::module::Module;
use proptest::prelude::*;

fn contract(plan: Plan) -> Contract {
    Contract::from_yaml(plan.yaml()).expect("a contract").0
}

#[test]
fn plans_come_back_from_openslo() {
    for plan in Plan::ALL {
        let contract = contract(plan);
        let text = export(&contract).expect("documents");
        let imported = import(&text).expect("the same lines");
        assert_eq!(imported.coverage, contract.coverage, "{plan}");
        assert!(imported.warnings.is_empty(), "{:?}", imported.warnings);
    }
}

#[test]
fn the_documents_look_like_openslo() {
    insta::assert_snapshot!(export(&contract(Plan::Custom)).expect("documents"));
}

/// Written by hand, with what other tools write: percents, weeks, references.
const FOREIGN: &str = r#"apiVersion: openslo/v1
kind: SLI
metadata: {name: joins}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: joins_ok}}}
    total: {metricSource: {type: Prometheus, spec: {query: joins}}}
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: joins-eu
  annotations: {surecast/module: join, surecast/region: eu}
spec:
  service: shows
  indicatorRef: joins
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Timeslices
  objectives:
    - {targetPercent: 99.95, timeSliceTarget: 0.95, timeSliceWindow: 5}
"#;

#[test]
fn documents_of_others_are_read() {
    let imported = import(FOREIGN).expect("a line");
    let percent = |text: &str| text.parse().expect("a share");
    let expected = Coverage {
        guard_good_from: None,
        module: Module::Join,
        region: "eu".parse().expect("a region"),
        method: Method::Timeslices {
            slice_minutes: 5,
            good_from: percent("95%"),
        },
        floor: 0,
        target: percent("99.95%"),
        window: Window::RollingDays(28),
        fee_share: Percent::ZERO,
        critical: false,
    };
    assert_eq!(imported.coverage, [expected]);
    assert_eq!(imported.warnings.len(), 3, "{:?}", imported.warnings);
}

#[test]
fn what_has_no_counterpart_is_named() {
    for (from, to, expected) in [
        (
            "openslo/v1\nkind: SLO",
            "openslo/v1alpha\nkind: SLO",
            "10:13: error: [1].apiVersion: only openslo/v1 is understood",
        ),
        (
            "kind: SLO",
            "kind: SOL",
            "11:7: error: [1].kind: `SOL` is not a kind of OpenSLO; did you mean `SLO`?",
        ),
        (
            "surecast/module: join, ",
            "",
            "14:16: error: [1].metadata.annotations: `joins-eu` does not say what it covers; \
             add the annotation `surecast/module`",
        ),
        (
            "surecast/region: eu",
            "surecast/region: eu, surecast/flor: \"3\"",
            "error: [1].metadata.annotations.surecast/flor: there is no such annotation; \
             did you mean `surecast/floor`?",
        ),
        (
            "indicatorRef: joins",
            "indicatorRef: leaves",
            "17:17: error: [1].spec.indicatorRef: there is no SLI of this name in the file",
        ),
        (
            "  ratioMetric:\n    counter: true",
            "  thresholdMetric: {metricSource: {}}\n  ratioMetric:\n    counter: true",
            "a thresholdMetric has no counterpart",
        ),
        (
            "good: {metricSource: {type: Prometheus, spec: {query: joins_ok}}}",
            "rawType: success",
            "a raw ratio has no counterpart",
        ),
        (
            "duration: 4w",
            "duration: 36h",
            "a rolling window of `36h` has no counterpart; use days",
        ),
        (
            "{duration: 4w, isRolling: true}",
            "{duration: 1Q, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}",
            "a calendar window of `1Q` has no counterpart; contracts are settled by the month",
        ),
        (
            "timeSliceWindow: 5",
            "timeSliceWindow: 7m",
            "slices of this length do not divide an hour",
        ),
        (
            "timeSliceTarget: 0.95, ",
            "",
            "`timeSliceTarget` is missing",
        ),
        (
            "targetPercent: 99.95",
            "targetPercent: 101",
            "expected a number from 0 to 100",
        ),
        (
            "targetPercent: 99.95",
            "target: 0.999999999",
            "expected a number from 0 to 1",
        ),
        (
            "targetPercent: 99.95",
            "target: 1",
            "a target is below the whole",
        ),
        (
            "    - {targetPercent: 99.95",
            "    - {target: 0.9}\n    - {targetPercent: 99.95",
            "a line of a contract has one target",
        ),
        (
            "  service: shows",
            "  sevice: shows",
            "[1].spec.sevice: there is no such key; did you mean `service`?",
        ),
    ] {
        assert!(FOREIGN.contains(from), "{from}");
        let text = FOREIGN.replacen(from, to, 1);
        let problems = import(&text).expect_err(expected);
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(
            all.iter().any(|p| p.contains(expected)),
            "{expected}\n{all:#?}"
        );
    }
}

fn some_line() -> impl Strategy<Value = Coverage> {
    // Small numbers of units are written with exponents by some.
    let percent = |range: std::ops::Range<u64>| {
        prop_oneof![range.clone(), range.start..range.start + 100]
            .prop_map(|u| Percent::from_units(u).expect("a share"))
    };
    let slice = || prop::sample::select(vec![1_u16, 2, 5, 15, 60]);
    let method = prop_oneof![
        Just(Method::SessionSeconds),
        Just(Method::Occurrences),
        slice().prop_map(|slice_minutes| Method::RatioTimeslices { slice_minutes }),
        (slice(), percent(1..Percent::WHOLE)).prop_map(|(slice_minutes, good_from)| {
            Method::Timeslices {
                slice_minutes,
                good_from,
            }
        }),
    ];
    let window = prop_oneof![
        Just(Window::Period),
        (1_u16..366).prop_map(Window::RollingDays),
    ];
    (
        prop::sample::select(Module::ALL.to_vec()),
        "[a-z0-9-]{1,32}",
        method,
        any::<u64>(),
        percent(0..Percent::WHOLE),
        window,
        percent(0..Percent::WHOLE + 1),
        any::<bool>(),
    )
        .prop_map(
            |(module, region, method, floor, target, window, fee_share, critical)| Coverage {
                module,
                region: region.parse().expect("a region"),
                method,
                guard_good_from: None,
                floor,
                target,
                window,
                fee_share,
                critical,
            },
        )
}

proptest! {
    #[test]
    fn lines_come_back_from_openslo(lines in prop::collection::vec(some_line(), 0..6)) {
        let mut contract = contract(Plan::Entry);
        contract.coverage = lines;
        let text = export(&contract).expect("documents");
        let imported = import(&text).map_err(|e| TestCaseError::fail(format!("{e:?}\n{text}")))?;
        prop_assert_eq!(imported.coverage, contract.coverage);
    }

    #[test]
    fn nothing_makes_the_import_panic(text in ".{0,200}") {
        let _ = import(&text);
        let _ = Contract::from_yaml(&text);
    }
}
