//! Months by seeded draws. Every offer sees the same outages: only its terms
//! differ.

use rust_decimal::Decimal;

use super::credit::{Outage, Terms};
use super::draw::Rng;
use super::expected::Clock;
use super::need::BuyerNeed;
use super::outage::{Duration, MONTH_MINUTES, MONTH_SECONDS, OutageModel};
use super::quantity::{cents, decimal, float};
use crate::ratio::Percent;

/// Most months in a simulation. Two amounts are kept for each, to find
/// percentiles: 2 × 16 bytes × 2 million = 64 MB, and seconds of work per offer.
pub const MAX_SIMULATED_MONTHS: u64 = 2_000_000;

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mean {
    pub mean: Decimal,
    pub error: Decimal,
}

/// What was seen.
pub(crate) struct Simulated {
    pub breach_month: Option<Mean>,
    pub breach_term: Option<Mean>,
    pub loss: Mean,
    pub credit: Option<Mean>,
    pub collected: Mean,
    pub uncovered: Mean,
    /// Monthly losses, sorted.
    pub losses: Vec<Decimal>,
    /// What of each stayed with the buyer, sorted.
    pub left: Vec<Decimal>,
}

/// Sums for a mean: exact in decimals, squares as a statistic in floats.
#[derive(Default)]
struct Tally {
    sum: Decimal,
    squares: f64,
    count: u64,
}

impl Tally {
    fn add(&mut self, value: Decimal) {
        self.count += 1;
        // Most months are without an outage.
        if !value.is_zero() {
            self.sum += value;
            self.squares += float(value) * float(value);
        }
    }

    fn mean(&self, decimals: u32) -> Mean {
        let n = Decimal::from(self.count.max(1));
        let mean = self.sum / n;
        let count = self.count.max(2) as f64;
        let spread = (self.squares - count * float(mean) * float(mean)).max(0.0) / (count - 1.0);
        Mean {
            mean: decimal_places(mean, decimals),
            error: decimal(libm::sqrt(spread / count), decimals),
        }
    }
}

fn decimal_places(value: Decimal, decimals: u32) -> Decimal {
    use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let mut rounded = value.round_dp_with_strategy(decimals, MidpointAwayFromZero);
    rounded.rescale(decimals);
    rounded
}

/// Draws outages.
struct Source<'a> {
    model: &'a OutageModel,
    clock: Clock,
    peak: Vec<u32>,
    off: Vec<u32>,
    rows: Vec<(u64, Percent)>,
    cut: Option<(u32, Percent)>,
}

impl<'a> Source<'a> {
    fn new(need: &BuyerNeed, model: &'a OutageModel, terms: &Terms<'_>) -> Self {
        let clock = Clock::new(need, model);
        Self {
            model,
            peak: clock.minutes(true),
            off: clock.minutes(false),
            rows: model.reach().rows(need.regions.list()),
            cut: terms.restoration.map(|(minutes, _)| (minutes, terms.kept)),
            clock,
        }
    }

    fn month(&self, rng: &mut Rng, outages: &mut Vec<Outage>) {
        outages.clear();
        match self.model {
            OutageModel::Table(table) => {
                let mut left = rng.below(Percent::WHOLE);
                for scenario in table.months.list() {
                    if left < scenario.chance.units() {
                        if scenario.down_minutes > 0 {
                            outages.push(self.outage(rng, scenario.down_minutes * 60));
                        }
                        break;
                    }
                    left -= scenario.chance.units();
                }
            }
            OutageModel::Poisson(poisson) => {
                for _ in 0..rng.poisson(poisson.per_month.mean()) {
                    let seconds = duration(poisson.duration, rng);
                    outages.push(self.outage(rng, seconds));
                }
            }
        }
    }

    /// Always the same number of draws, so that offers stay in step.
    fn outage(&self, rng: &mut Rng, seconds: u32) -> Outage {
        let at_peak = rng.below(Percent::WHOLE) < self.clock.at_peak.units();
        let minutes = if at_peak { &self.peak } else { &self.off };
        let pick = rng.below(minutes.len() as u64);
        let minute = usize::try_from(pick)
            .ok()
            .and_then(|i| minutes.get(i).copied());
        let day = u32::try_from(rng.below(30)).unwrap_or(0);
        let mut left = rng.below(Percent::WHOLE);
        let mut users = Percent::ONE;
        for (chance, share) in &self.rows {
            users = *share;
            if left < *chance {
                break;
            }
            left -= chance;
        }
        let believed = rng.below(Percent::WHOLE);
        let end = self.cut.filter(|(_, kept)| believed < kept.units());
        let seconds = end.map_or(seconds, |(m, _)| seconds.min(m.saturating_mul(60)));
        Outage {
            start: day * 1440 + minute.unwrap_or(0),
            seconds,
            users,
            at_peak,
        }
    }
}

/// A duration in whole seconds, from none to a month.
fn duration(duration: Duration, rng: &mut Rng) -> u32 {
    let minutes = match duration {
        Duration::Exponential { mean_minutes } => -mean_minutes.to_f64() * libm::log(rng.open()),
        Duration::Lognormal {
            median_minutes,
            sigma,
        } => median_minutes.to_f64() * libm::exp(sigma.to_f64() * rng.normal()),
        Duration::Weibull {
            scale_minutes,
            shape,
        } => scale_minutes.to_f64() * libm::pow(-libm::log(rng.open()), 1.0 / shape.to_f64()),
    };
    let seconds = libm::round(minutes * 60.0).clamp(0.0, f64::from(MONTH_SECONDS));
    // Between 0 and a month: the conversion is exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let seconds = seconds as u32;
    seconds
}

/// What outages cost, exactly.
struct Costs<'a> {
    need: &'a BuyerNeed,
    /// Month of the term, first and last minute, cost per minute.
    events: Vec<(u32, u32, u32, Decimal)>,
}

impl<'a> Costs<'a> {
    fn new(need: &'a BuyerNeed) -> Self {
        let events = need.events.list().iter().filter_map(|event| {
            let (month, start) = need.event_start(event)?;
            let end = (start + event.minutes.count()).min(MONTH_MINUTES);
            Some((month, start, end, event.extra_per_minute.value()))
        });
        Self {
            need,
            events: events.collect(),
        }
    }

    fn loss(&self, clock: &Clock, month: u32, outages: &[Outage]) -> Decimal {
        let each = outages.iter().map(|o| self.outage(clock, month, o));
        cents(each.sum())
    }

    fn outage(&self, clock: &Clock, month: u32, o: &Outage) -> Decimal {
        let peak = peak_seconds(clock, o);
        let revenue = &self.need.revenue;
        let mut sum = Decimal::from(o.seconds - peak) * revenue.per_minute_off_peak.value()
            + Decimal::from(peak) * revenue.per_minute_peak.value();
        for (when, start, end, rate) in &self.events {
            if *when == month {
                let from = (start * 60).max(o.start * 60);
                let to = (end * 60).min(o.start * 60 + o.seconds);
                sum += Decimal::from(to.saturating_sub(from)) * rate;
            }
        }
        sum * super::credit::fraction(o.users) / Decimal::from(60)
    }
}

fn peak_seconds(clock: &Clock, o: &Outage) -> u32 {
    // Whole days first: a month's outage would be 43,200 steps.
    let per_day = clock.peak_minutes * 60;
    if per_day == 0 {
        return 0;
    }
    let days = o.seconds / 86_400;
    let rest = o.seconds % 86_400;
    let whole = (0..rest / 60)
        .filter(|m| clock.is_peak(o.start + m))
        .count();
    let last = if clock.is_peak(o.start + rest / 60) {
        rest % 60
    } else {
        0
    };
    days * per_day + u32::try_from(whole).unwrap_or(0) * 60 + last
}

/// Simulates `runs` terms.
pub(crate) fn simulate(
    need: &BuyerNeed,
    model: &OutageModel,
    terms: &Terms<'_>,
    seed: u64,
    runs: u32,
) -> Simulated {
    let source = Source::new(need, model, terms);
    let costs = Costs::new(need);
    let months = need.term.months.count();
    let mut rng = Rng::new(seed);
    let mut sums: [Tally; 6] = Default::default();
    let [
        loss,
        credit,
        collected,
        uncovered,
        breach_month,
        breach_term,
    ] = &mut sums;
    let (mut losses, mut left) = (Vec::new(), Vec::new());
    let (mut promised, mut paid) = (terms.offer.target.is_some(), true);
    let mut outages = Vec::new();
    for _ in 0..runs {
        let mut broken = false;
        for month in 0..months {
            source.month(&mut rng, &mut outages);
            let granted = rng.below(Percent::WHOLE);
            let lost = costs.loss(&source.clock, month, &outages);
            let (bad, nominal) = terms.month(&outages);
            promised &= bad.is_some();
            paid &= nominal.is_some();
            let got = terms.collected(nominal.unwrap_or_default(), granted);
            broken |= bad == Some(true);
            loss.add(lost);
            credit.add(nominal.unwrap_or_default());
            collected.add(got);
            uncovered.add(lost - got);
            breach_month.add(Decimal::from(u8::from(bad == Some(true))));
            losses.push(lost);
            left.push(lost - got);
        }
        breach_term.add(Decimal::from(u8::from(broken)));
    }
    losses.sort_unstable();
    left.sort_unstable();
    Simulated {
        breach_month: promised.then(|| breach_month.mean(6)),
        breach_term: promised.then(|| breach_term.mean(6)),
        loss: loss.mean(2),
        credit: paid.then(|| credit.mean(2)),
        collected: collected.mean(2),
        uncovered: uncovered.mean(2),
        losses,
        left,
    }
}
