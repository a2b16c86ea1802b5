//! Remedies: tiers and matrices that grow, caps and minimums that fit.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Check;
use crate::clock::ClockKind;
use crate::contract::remedy::{Breach, Matrix, Scheme, Tier, share};
use crate::ratio::Percent;
use crate::severity::Severity;

impl Check<'_> {
    pub(super) fn remedies(&mut self) {
        let remedies = &self.contract.remedies;
        match &remedies.scheme {
            Scheme::Tiers(tiers) => self.tiers(tiers),
            Scheme::Matrix(matrix) => self.matrix(matrix),
            Scheme::Proportional(p) => {
                if p.times == 0 {
                    let path = "remedies.scheme.proportional.times";
                    self.error(path, "nothing times 0 is nothing", "");
                }
            }
        }
        if remedies.cap == Percent::ZERO {
            let what = "a cap of 0% means that nothing is ever credited";
            self.warn("remedies.cap", what, "");
        }
        let most = share(self.contract.fee.per_period, remedies.cap);
        if let Some(minimum) = remedies.minimum {
            if minimum < Decimal::ZERO {
                self.error("remedies.minimum", "a minimum is not negative", "");
            } else if minimum > most {
                let what = format!("the minimum is above the cap, {}", most.normalize());
                self.error("remedies.minimum", what, "lower it, or raise the cap");
            }
        }
        let kinds = [
            (
                "late_response",
                &remedies.late_response,
                ClockKind::FirstResponse,
            ),
            (
                "late_restoration",
                &remedies.late_restoration,
                ClockKind::Restoration,
            ),
        ];
        for (key, breaches, kind) in kinds {
            self.breaches(&format!("remedies.{key}"), breaches, kind);
        }
    }

    fn tiers(&mut self, tiers: &[Tier]) {
        let path = "remedies.scheme.tiers";
        let bounds: Vec<_> = tiers.iter().map(|t| (t.below, t.credit)).collect();
        self.steps(path, &bounds);
        for (index, tier) in tiers.iter().enumerate() {
            self.above_targets(&format!("{path}[{index}].below"), tier.below);
        }
        if let Some(highest) = tiers.iter().map(|t| t.below).max() {
            self.unpaid_breaches(highest);
        }
    }

    fn matrix(&mut self, matrix: &Matrix) {
        let path = "remedies.scheme.matrix.rows";
        let first = |credits: &[Percent]| credits.first().copied().unwrap_or_default();
        let rows = &matrix.rows;
        let bounds: Vec<_> = rows.iter().map(|r| (r.below, first(&r.credits))).collect();
        self.steps(path, &bounds);
        for (index, row) in rows.iter().enumerate() {
            let path = format!("{path}[{index}].credits");
            if row.credits.is_empty() {
                self.error(&path, "a row needs credits", "one for each number missed");
            } else if row.credits.len() != rows[0].credits.len() {
                let what = format!(
                    "this row has {} credits, the first one {}",
                    row.credits.len(),
                    rows[0].credits.len()
                );
                self.error(&path, what, "all rows have the same columns");
            }
            if row.credits.windows(2).any(|pair| pair[1] < pair[0]) {
                let what = "more missed indicators are worth less";
                self.error(&path, what, "credits grow from left to right");
            }
        }
        if let Some(highest) = rows.iter().map(|r| r.below).max() {
            self.above_targets(&format!("{path}[0].below"), highest);
            self.unpaid_breaches(highest);
        }
    }

    /// Bounds fall, credits do not.
    fn steps(&mut self, path: &str, bounds: &[(Percent, Percent)]) {
        if bounds.is_empty() {
            let hint = "add at least one, from the best to the worst";
            self.error(path, "no breach is worth anything", hint);
        }
        for (index, pair) in bounds.windows(2).enumerate() {
            let (before, this) = (pair[0], pair[1]);
            let path = format!("{path}[{}]", index + 1);
            if this.0 >= before.0 {
                let what = format!("{} does not come after {}", this.0, before.0);
                let hint = "order them from the best availability to the worst";
                self.error(&format!("{path}.below"), what, hint);
            } else if this.1 < before.1 {
                let what = format!(
                    "below {} the credit is {}, less than {} for better service",
                    this.0, this.1, before.1
                );
                self.error(
                    &path,
                    what,
                    "a worse availability is worth at least as much",
                );
            }
        }
    }

    /// A credit would be due although the target is kept.
    fn above_targets(&mut self, path: &str, below: Percent) {
        let lines = self.contract.coverage.iter().enumerate();
        let lower: Vec<_> = lines.filter(|(_, c)| c.target < below).collect();
        if let Some((index, line)) = lower.first() {
            let what = format!(
                "it credits below {below}, but coverage[{index}] promises only {}",
                line.target
            );
            let hint = "raise the target, or lower the bound: a kept promise is not a breach";
            self.error(path, what, hint);
        }
    }

    /// A target is missed, and no tier begins there.
    fn unpaid_breaches(&mut self, highest: Percent) {
        let lines = self.contract.coverage.iter().enumerate();
        let unpaid: Vec<_> = lines.filter(|(_, c)| c.target > highest).collect();
        for (index, line) in unpaid {
            let path = format!("coverage[{index}].target");
            let what = format!(
                "between {} and {highest} the target is missed and nothing is credited",
                line.target
            );
            self.warn(&path, what, "let the first tier begin at the target");
        }
    }

    fn breaches(&mut self, path: &str, breaches: &BTreeMap<Severity, Breach>, kind: ClockKind) {
        let fee = self.contract.fee.per_period;
        for (severity, breach) in breaches {
            let path = format!("{path}.{severity:?}");
            if let Breach::Amount(amount) = breach {
                if *amount < Decimal::ZERO {
                    self.error(&path, "a credit is not negative", "");
                } else if *amount > fee {
                    let what = format!("one breach is worth more than the fee, {fee}");
                    self.error(&path, what, "the cap would cut it anyway");
                }
            }
            let target = self.contract.target(*severity);
            if target.is_some_and(|t| t.duration(kind).is_none()) {
                let what = format!("no restoration is promised for {severity:?}");
                let hint = format!("add support.targets.{severity:?}.restore_minutes");
                self.error(&path, what, hint);
            }
        }
    }
}
