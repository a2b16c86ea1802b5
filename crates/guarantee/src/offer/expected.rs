//! Means without drawing: exact for tables, by numeric integration and
//! convolution for compound Poisson outages.

use rust_decimal::Decimal;

use super::credit::{Outage, Terms};
use super::need::{BuyerNeed, minute_of_day};
use super::outage::{Duration, MONTH_MINUTES, MONTH_SECONDS, OutageModel, Poisson, Table};
use super::quantity::{decimal, float};
use crate::ratio::Percent;

const DAY: usize = 1440;
/// Bins up to a credit's bound: the chance of a breach is then right to about
/// one in a thousand, and a bound costs half a million multiplications.
const BINS: u32 = 1000;

/// When outages begin, and what the minutes after that cost.
pub(crate) struct Clock {
    /// Chance that an outage begins in this minute of the day.
    begins: Vec<f64>,
    /// Whether a minute of the day is in the peak.
    peak: Vec<bool>,
    /// The minute of the day in which the peak begins.
    first: usize,
    /// How many minutes of a day are in the peak.
    pub(crate) peak_minutes: u32,
    /// Share of outages that begin within the peak.
    pub(crate) at_peak: Percent,
}

impl Clock {
    pub(crate) fn new(need: &BuyerNeed, model: &OutageModel) -> Self {
        let minutes = usize::from(need.peak.hours.count()) * 60;
        let first = minute_of_day(need.peak.starts_at) as usize;
        let mut peak = vec![false; DAY];
        for m in first..first + minutes {
            peak[m % DAY] = true;
        }
        let share = u64::from(need.peak.hours.count()) * Percent::WHOLE / 24;
        let by_time = Percent::from_units(share).unwrap_or(Percent::ONE);
        let at_peak = match minutes {
            0 => Percent::ZERO,
            DAY => Percent::ONE,
            _ => model.at_peak().unwrap_or(by_time),
        };
        let each = |units: u64, n: usize| units as f64 / Percent::WHOLE as f64 / n.max(1) as f64;
        let inside = each(at_peak.units(), minutes);
        let outside = each(at_peak.complement().units(), DAY - minutes);
        let begins = peak.iter().map(|p| if *p { inside } else { outside });
        Self {
            begins: begins.collect(),
            peak,
            first,
            peak_minutes: u32::from(need.peak.hours.count()) * 60,
            at_peak,
        }
    }

    /// The minutes of the day inside the peak, or those outside.
    pub(crate) fn minutes(&self, at_peak: bool) -> Vec<u32> {
        let wanted = (0u32..).zip(&self.peak).filter(|(_, p)| **p == at_peak);
        wanted.map(|(m, _)| m).collect()
    }

    pub(crate) fn is_peak(&self, minute: u32) -> bool {
        self.peak[minute as usize % DAY]
    }

    /// Chance that the n-th minute of an outage is in the peak, for n of a day:
    /// that it began in the peak moved back by n minutes.
    fn later_in_peak(&self) -> Vec<f64> {
        let mut sums = vec![0.0];
        for m in 0..2 * DAY {
            sums.push(sums[m] + self.begins[m % DAY]);
        }
        let length = self.peak_minutes as usize;
        let after = |n: usize| {
            let from = (self.first + DAY - n) % DAY;
            sums[from + length] - sums[from]
        };
        (0..DAY).map(after).collect()
    }

    /// Chance that an outage of a month of 30 days began before each minute.
    fn begun(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let mut begun = vec![0.0];
        for m in 0..MONTH_MINUTES as usize {
            sum += self.begins[m % DAY] / 30.0;
            begun.push(sum);
        }
        begun
    }
}

/// What is expected of a month, on average over the term.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected {
    pub loss: Decimal,
    /// `None`: nothing promised, or no closed form.
    pub breach: Option<f64>,
    pub credit: Option<Decimal>,
    pub collected: Option<Decimal>,
    /// Chance that some outage is longer than what can be borne.
    pub beyond_tolerance: f64,
}

/// Computes a month of `model` under an offer's terms.
pub(crate) fn expected(need: &BuyerNeed, model: &OutageModel, terms: &Terms<'_>) -> Expected {
    let rows = model.reach().rows(need.regions.list());
    let users: f64 = rows.iter().map(|(c, u)| part(*c) * part(u.units())).sum();
    let mut expected = Expected {
        loss: loss(need, model, terms, users),
        beyond_tolerance: beyond(need, model, terms),
        ..Expected::default()
    };
    match model {
        OutageModel::Table(table) => of_table(need, model, table, terms, &mut expected),
        OutageModel::Poisson(poisson) => of_poisson(need, model, poisson, terms, &mut expected),
    }
    expected
}

fn part(units: u64) -> f64 {
    units as f64 / Percent::WHOLE as f64
}

/// Outages that a month has in its `minute`-th minute after their begin.
fn lasting(model: &OutageModel, terms: &Terms<'_>, minute: u32) -> f64 {
    let cut = terms.restoration.filter(|(m, _)| minute >= *m);
    let goes_on = cut.map_or(1.0, |_| 1.0 - part(terms.kept.units()));
    let outages = match model {
        OutageModel::Table(table) => {
            let long = table.months.list().iter();
            let long = long.filter(|s| s.down_minutes > minute);
            long.map(|s| part(s.chance.units())).sum()
        }
        OutageModel::Poisson(p) => {
            // Simpson's rule over the minute: exact enough down to outages of
            // a few seconds.
            let m = f64::from(minute);
            let ends = p.duration.survival(m) + p.duration.survival(m + 1.0);
            p.per_month.mean() * (ends + 4.0 * p.duration.survival(m + 0.5)) / 6.0
        }
    };
    outages * goes_on
}

fn loss(need: &BuyerNeed, model: &OutageModel, terms: &Terms<'_>, users: f64) -> Decimal {
    let clock = Clock::new(need, model);
    let in_peak = clock.later_in_peak();
    let begun = clock.begun();
    let events: Vec<(usize, usize, Decimal)> = need
        .events
        .list()
        .iter()
        .filter_map(|event| {
            let (_, start) = need.event_start(event)?;
            let end = (start + event.minutes.count()).min(MONTH_MINUTES);
            Some((start as usize, end as usize, event.extra_per_minute.value()))
        })
        .collect();
    let (mut off, mut peak, mut during) = (0.0, 0.0, vec![0.0; events.len()]);
    for n in 0..MONTH_MINUTES {
        let outages = lasting(model, terms, n);
        if outages < 1e-12 {
            break;
        }
        let n = n as usize;
        peak += outages * in_peak[n % DAY];
        off += outages * (1.0 - in_peak[n % DAY]);
        for ((start, end, _), sum) in events.iter().zip(&mut during) {
            let overlap = begun[end.saturating_sub(n)] - begun[start.saturating_sub(n)];
            *sum += outages * overlap;
        }
    }
    // Minutes are a statistic; with six decimals they become factors of money.
    let minutes = |m: f64| decimal(m * users, 6);
    let usual = minutes(off) * need.revenue.per_minute_off_peak.value()
        + minutes(peak) * need.revenue.per_minute_peak.value();
    let extra: Decimal = events
        .iter()
        .zip(&during)
        .map(|((_, _, rate), m)| minutes(*m) * rate)
        .sum();
    usual + extra / Decimal::from(need.term.months.count())
}

fn beyond(need: &BuyerNeed, model: &OutageModel, terms: &Terms<'_>) -> f64 {
    let limit = need.tolerance.max_outage_minutes;
    let cut = terms.restoration.filter(|(m, _)| limit >= *m);
    let goes_on = cut.map_or(1.0, |_| 1.0 - part(terms.kept.units()));
    match model {
        OutageModel::Table(table) => {
            let long = table
                .months
                .list()
                .iter()
                .filter(|s| s.down_minutes > limit);
            long.map(|s| part(s.chance.units())).sum::<f64>() * goes_on
        }
        OutageModel::Poisson(p) => {
            let long = p.duration.survival(f64::from(limit)) * goes_on;
            1.0 - libm::exp(-p.per_month.mean() * long)
        }
    }
}

/// Every way a month can go, each with the rule that the simulation uses too.
fn of_table(
    need: &BuyerNeed,
    model: &OutageModel,
    table: &Table,
    terms: &Terms<'_>,
    expected: &mut Expected,
) {
    let clock = Clock::new(need, model);
    let rows = model.reach().rows(need.regions.list());
    let (mut breach, mut credit, mut collected) = (Some(0.0), Some(Decimal::ZERO), Decimal::ZERO);
    let peaks = [(true, clock.at_peak), (false, clock.at_peak.complement())];
    for scenario in table.months.list() {
        let cut = terms
            .restoration
            .filter(|(m, _)| scenario.down_minutes > *m);
        let kept = if cut.is_some() {
            terms.kept
        } else {
            Percent::ZERO
        };
        let ended = cut.map_or(0, |(m, _)| m);
        for (minutes, chance) in [(scenario.down_minutes, kept.complement()), (ended, kept)] {
            for (reach, users) in &rows {
                for (at_peak, share) in peaks {
                    let outage = Outage {
                        start: 0,
                        seconds: minutes * 60,
                        users: *users,
                        at_peak,
                    };
                    let factors = [
                        scenario.chance.units(),
                        chance.units(),
                        *reach,
                        share.units(),
                    ];
                    let chance: Decimal = factors
                        .iter()
                        .map(|f| Decimal::from_i128_with_scale(i128::from(*f), 8).normalize())
                        .product();
                    if chance.is_zero() {
                        continue;
                    }
                    let (bad, paid) = terms.month(if minutes == 0 {
                        &[]
                    } else {
                        std::slice::from_ref(&outage)
                    });
                    breach = breach
                        .zip(bad)
                        .map(|(sum, bad)| if bad { sum + float(chance) } else { sum });
                    credit = credit.zip(paid).map(|(sum, paid)| sum + chance * paid);
                    collected += chance * terms.collected_mean(paid.unwrap_or_default());
                }
            }
        }
    }
    expected.breach = breach;
    expected.credit = credit;
    expected.collected = credit.map(|_| collected);
}

fn of_poisson(
    need: &BuyerNeed,
    model: &OutageModel,
    poisson: &Poisson,
    terms: &Terms<'_>,
    expected: &mut Expected,
) {
    let clock = Clock::new(need, model);
    let counts = if terms.peak_excluded {
        part(clock.at_peak.complement().units())
    } else {
        1.0
    };
    let process = Counted {
        rate: poisson.per_month.mean() * counts,
        duration: poisson.duration,
        rows: model.reach().rows(need.regions.list()),
        terms,
    };
    expected.breach = terms.offer.target.map(|target| process.exceeds(target));
    let late_pays = terms
        .restoration
        .is_some_and(|(_, credit)| credit.is_some());
    let Some(credits) = terms.offer.credits.as_ref().filter(|_| !late_pays) else {
        return;
    };
    let target = terms.target();
    let mut bounds = credits.bounds();
    bounds
        .iter_mut()
        .for_each(|bound| *bound = (*bound).min(target));
    bounds.dedup();
    if bounds.is_empty() {
        return;
    }
    let (mut credit, mut collected) = (Decimal::ZERO, Decimal::ZERO);
    let chances: Vec<f64> = bounds.iter().map(|b| process.exceeds(*b)).collect();
    for (i, bound) in bounds.iter().enumerate() {
        // Below this bound, but not below the next one.
        let chance = chances[i] - chances.get(i + 1).copied().unwrap_or(0.0);
        let share = credits.share(usize::MAX, |b| b.min(target) >= *bound);
        let paid = terms.bounded(terms.fee * super::credit::fraction(share));
        credit += decimal(chance, 12) * paid;
        collected += decimal(chance, 12) * terms.collected_mean(paid);
    }
    expected.credit = Some(credit);
    expected.collected = Some(collected);
}

/// The sum of what counts in a month.
struct Counted<'a> {
    rate: f64,
    duration: Duration,
    rows: Vec<(u64, Percent)>,
    terms: &'a Terms<'a>,
}

impl Counted<'_> {
    /// Chance that an outage counts more than `minutes`.
    fn survival(&self, minutes: f64) -> f64 {
        let counting = self.terms.offer.counting.unwrap_or_default();
        let run = f64::from(counting.min_run_minutes.unwrap_or(0));
        let slice = f64::from(counting.slice_minutes.unwrap_or(1).max(1));
        let each = self.rows.iter().map(|(chance, users)| {
            if counting.bad_from.is_some_and(|from| *users < from) || *users == Percent::ZERO {
                return 0.0;
            }
            let weight = if counting.proportional {
                part(users.units())
            } else {
                1.0
            };
            let mut needed = minutes / weight;
            if counting.whole_slices {
                needed = (libm::floor(needed / slice) + 1.0) * slice;
            }
            part(*chance) * self.lasts(needed.max(run))
        });
        each.sum()
    }

    fn lasts(&self, minutes: f64) -> f64 {
        if minutes >= f64::from(MONTH_MINUTES) {
            return 0.0;
        }
        let cut = self
            .terms
            .restoration
            .filter(|(m, _)| minutes >= f64::from(*m));
        let goes_on = cut.map_or(1.0, |_| 1.0 - part(self.terms.kept.units()));
        self.duration.survival(minutes) * goes_on
    }

    /// Chance that a month's availability is below `bound`: Panjer's recursion
    /// over bins whose middles stand for what counts.
    fn exceeds(&self, bound: Percent) -> f64 {
        let allowed = f64::from(MONTH_SECONDS) / 60.0 * part(bound.complement().units());
        if allowed <= 0.0 {
            return 1.0 - libm::exp(-self.rate * self.survival(0.0));
        }
        let width = allowed / (f64::from(BINS) + 0.5);
        let edges: Vec<f64> = (0..=BINS)
            .map(|k| self.survival((f64::from(k) + 0.5) * width))
            .collect();
        let mut severity = vec![1.0 - edges[0]];
        severity.extend(edges.windows(2).map(|e| e[0] - e[1]));
        let mut sum = vec![libm::exp(-self.rate * edges[0])];
        for n in 1..=BINS as usize {
            let terms = (1..=n).map(|k| k as f64 * severity[k] * sum[n - k]);
            sum.push(self.rate / n as f64 * terms.sum::<f64>());
        }
        (1.0 - sum.iter().sum::<f64>()).clamp(0.0, 1.0)
    }
}
