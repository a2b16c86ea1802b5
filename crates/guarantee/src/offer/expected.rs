//! Means without drawing: exact for tables, by numeric integration and
//! convolution for compound Poisson outages.

mod clock;
mod counted;

use rust_decimal::Decimal;

use super::credit::{Outage, Terms};
use super::need::BuyerNeed;
use super::outage::{MONTH_MINUTES, OutageModel, Poisson, Table};
use super::quantity::{decimal, float};
use crate::ratio::Percent;

pub(crate) use clock::Clock;
use clock::DAY;
use counted::Counted;

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
