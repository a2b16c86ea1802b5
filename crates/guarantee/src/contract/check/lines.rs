//! Coverage: overlaps, gaps, targets that cannot be kept, shares of the fee.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::contract::policy::Requirement;
use crate::contract::problem::nearest;
use crate::coverage::{Coverage, Method, Window};
use crate::module::{Module, Region};
use crate::ratio::Percent;

impl Check<'_> {
    pub(super) fn lines(&mut self) {
        let coverage = &self.contract.coverage;
        if coverage.is_empty() {
            let hint = "add at least one line of module, region, method and target";
            self.error("coverage", "nothing is promised", hint);
            return;
        }
        for (index, line) in coverage.iter().enumerate() {
            self.line(&format!("coverage[{index}]"), line);
        }
        self.overlaps();
        self.gaps();
        self.fee_shares();
        if !coverage.iter().any(|c| c.critical) {
            let what = "no line is critical, so no incident can be S1 or S2";
            self.warn("coverage", what, "set `critical: true` where it hurts");
        }
        self.names();
    }

    fn line(&mut self, path: &str, line: &Coverage) {
        let target = format!("{path}.target");
        if line.target == Percent::ZERO {
            self.error(&target, "a target of 0% promises nothing", "");
        }
        if line.target == Percent::ONE {
            let hint = "promise what can be measured, as 99.99%";
            if line.method == Method::SessionSeconds {
                let what = "100% of session-seconds cannot be kept: one frozen second breaks it";
                self.error(&target, what, hint);
            } else {
                self.warn(&target, "100% is broken by a single bad sample", hint);
            }
        }
        if let Method::Timeslices { slice_minutes, .. } | Method::RatioTimeslices { slice_minutes } =
            line.method
            && (slice_minutes == 0 || 60 % slice_minutes != 0)
        {
            let what = format!("an hour does not divide into slices of {slice_minutes} minutes");
            let hint = "use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60";
            self.error(&format!("{path}.slice_minutes"), what, hint);
        }
        let good_from = match line.method {
            Method::Timeslices { good_from, .. } => Some(good_from),
            _ => line.guard_good_from,
        };
        if good_from == Some(Percent::ZERO) {
            let what = "every slice would be good";
            self.error(&format!("{path}.good_from"), what, "");
        }
        if let Window::RollingDays(days) = line.window
            && !(1..=366).contains(&days)
        {
            let what = "a rolling window has 1 to 366 days";
            self.error(&format!("{path}.window"), what, "");
        }
    }

    fn overlaps(&mut self) {
        let mut first: BTreeMap<(Module, &Region), usize> = BTreeMap::new();
        for (index, line) in self.contract.coverage.iter().enumerate() {
            let key = (line.module, &line.region);
            match first.get(&key) {
                Some(&other) => {
                    let path = format!("coverage[{index}]");
                    let at = self.places.of(&format!("coverage[{other}]")).line;
                    let what = format!(
                        "`{}` in `{}` is covered already by coverage[{other}], line {at}",
                        line.module, line.region
                    );
                    self.error(&path, what, "keep one line, or name another region");
                }
                None => {
                    first.insert(key, index);
                }
            }
        }
    }

    /// A module that is covered in some regions and not in others.
    fn gaps(&mut self) {
        let coverage = &self.contract.coverage;
        let regions: BTreeSet<_> = coverage.iter().map(|c| &c.region).collect();
        let covered: BTreeSet<_> = coverage.iter().map(|c| (c.module, &c.region)).collect();
        for module in Module::ALL {
            let has = |r: &&Region| covered.contains(&(module, *r));
            let missing: Vec<_> = regions.iter().copied().filter(|r| !has(r)).collect();
            if missing.is_empty() || missing.len() == regions.len() {
                continue;
            }
            let names: Vec<_> = missing.iter().map(|r| r.name()).collect();
            let what = format!("`{module}` is not covered in {}", names.join(", "));
            let hint = "add a line for each, or make sure that the gap is meant";
            self.warn("coverage", what, hint);
        }
    }

    fn fee_shares(&mut self) {
        let coverage = &self.contract.coverage;
        let total: u128 = coverage
            .iter()
            .map(|c| u128::from(c.fee_share.units()))
            .sum();
        let whole = u128::from(Percent::WHOLE);
        if total != whole {
            let missing = whole.abs_diff(total);
            let say = |units: u128| {
                let text = format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
                let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
                format!("{text}%")
            };
            let what = format!("the fee shares of all lines are {} together", say(total));
            let word = if total < whole { "missing" } else { "too much" };
            self.error("coverage", what, format!("{} are {word}", say(missing)));
        }
        for (index, line) in coverage.iter().enumerate() {
            if line.fee_share == Percent::ZERO {
                let path = format!("coverage[{index}].fee_share");
                let what = "a breach of this line is worth nothing";
                self.warn(&path, what, "give it a share of the fee");
            }
        }
    }

    /// Regions and modules that are named elsewhere have to be covered.
    fn names(&mut self) {
        let contract = self.contract;
        let mut named: Vec<(String, Option<Module>, Option<&Region>)> = Vec::new();
        for (index, event) in contract.severity.events.iter().enumerate() {
            let path = format!("severity.events[{index}]");
            for (n, module) in event.modules.iter().enumerate() {
                named.push((format!("{path}.modules[{n}]"), Some(*module), None));
            }
            for (n, region) in event.regions.iter().enumerate() {
                named.push((format!("{path}.regions[{n}]"), None, Some(region)));
            }
        }
        for (index, expert) in contract.support.experts.iter().enumerate() {
            for (n, module) in expert.modules.iter().enumerate() {
                let path = format!("support.experts[{index}].modules[{n}]");
                named.push((path, Some(*module), None));
            }
        }
        for (index, condition) in contract.conditions.iter().enumerate() {
            let path = format!("conditions[{index}].requires");
            match &condition.requires {
                Requirement::DeclaredPeak { module, region, .. } => {
                    let path = format!("{path}.declared_peak");
                    named.push((format!("{path}.module"), *module, None));
                    named.push((format!("{path}.region"), None, region.as_ref()));
                }
                Requirement::FrozenConfig { modules, .. } => {
                    for (n, module) in modules.iter().enumerate() {
                        let path = format!("{path}.frozen_config.modules[{n}]");
                        named.push((path, Some(*module), None));
                    }
                }
                Requirement::MinSpend { .. } => {}
            }
        }
        for (path, module, region) in named {
            self.is_covered(&path, module, region);
        }
    }

    fn is_covered(&mut self, path: &str, module: Option<Module>, region: Option<&Region>) {
        let coverage = &self.contract.coverage;
        if let Some(module) = module
            && !coverage.iter().any(|c| c.module == module)
        {
            let what = format!("no line covers `{module}`");
            self.warn(path, what, "add one, or take the name out");
        }
        if let Some(region) = region
            && !coverage.iter().any(|c| c.region == *region)
        {
            let known = coverage.iter().map(|c| c.region.name());
            let hint = match nearest(region.name(), known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add a line, or take the name out".to_owned(),
            };
            self.warn(path, format!("no line covers `{region}`"), hint);
        }
    }
}
