//! Offers side by side, for one need.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::credit::{Terms, fee};
use super::expected::expected;
use super::gaps::{self, Gap};
use super::need::BuyerNeed;
use super::quantity::{cents, decimal};
use super::sensitivity::{Change, Sensitivity, believing, offer as published, sensitivity};
use super::simulate::{MAX_SIMULATED_MONTHS, Mean, Simulated, simulate};
use super::terms::{Grade, Offer};
use crate::ratio::Percent;

/// Most offers at once: a table of more is not read, and each costs a
/// simulation.
pub const MAX_OFFERS: usize = 64;

/// Why nothing was compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// The simulation would be too long.
    #[error("{runs} runs of {months} months are {} months, at most {MAX_SIMULATED_MONTHS} are simulated: ask for 1 to {} runs", u64::from(*runs) * u64::from(*months), MAX_SIMULATED_MONTHS / u64::from(*months))]
    Runs {
        /// What was asked for.
        runs: u32,
        /// Months of the term.
        months: u32,
    },
    /// None, or too many.
    #[error("{0} offers are given: compare 1 to {MAX_OFFERS}")]
    Offers(usize),
    /// An id stands for two offers.
    #[error("offer `{0}` is given twice: give each its own id")]
    Twice(String),
}

/// An estimate: what was simulated, how far that can be off, and the closed
/// form where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean of the simulation.
    pub simulated: Decimal,
    /// Its standard error.
    pub standard_error: Decimal,
    /// Without drawing.
    pub closed_form: Option<Decimal>,
}

impl Estimate {
    fn new(mean: Mean, closed_form: Option<Decimal>) -> Self {
        Self {
            simulated: mean.mean,
            standard_error: mean.error,
            closed_form,
        }
    }

    /// The closed form, or else the simulated mean.
    #[must_use]
    pub fn best(&self) -> Decimal {
        self.closed_form.unwrap_or(self.simulated)
    }
}

/// What the numbers of a row rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumption {
    /// The price is the need's assumption.
    Fee,
    /// No credits are known: counted as none.
    NoCredits,
    /// How downtime is counted was not found: every minute counts.
    Counting,
    /// Every indicator of a matrix is missed: the most it can pay.
    AllIndicators,
    /// Outages at the peak do not count.
    PeakExcluded,
    /// The buyer cannot file in time: nothing is collected.
    TooLate,
    /// The offer's own history of outages is used.
    OwnOutages,
    /// Late restoration is credited, the amount was not found: counted as none.
    RestorationAmount,
}

/// One offer's numbers. Money is in the need's currency, per month of 30 days
/// unless the name says term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The offer's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How well its facts are known.
    pub grade: Grade,
    /// What the grade leaves open.
    pub grade_note: Option<String>,
    /// Where they were read.
    pub source: Option<String>,
    /// What is promised; `None`: not found.
    pub target: Option<Percent>,
    /// What is paid.
    pub fee: Decimal,
    /// Chance that a month misses the target; `None`: there is none.
    pub breach_month: Option<Estimate>,
    /// Chance that at least one month of the term does.
    pub breach_term: Option<Estimate>,
    /// Chance that a month has an outage longer than what can be borne.
    pub beyond_tolerance: Decimal,
    /// What outages cost.
    pub loss: Estimate,
    /// What the offer's text pays; `None`: not found.
    pub credit: Option<Estimate>,
    /// What reaches the buyer, less the effort of claims.
    pub collected: Estimate,
    /// Loss less what is collected.
    pub uncovered: Estimate,
    /// Collected as a share of the loss.
    pub covered: Decimal,
    /// Loss that half of the months stay at or below.
    pub loss_p50: Decimal,
    /// The same for 95 %.
    pub loss_p95: Decimal,
    /// The same for 99 %.
    pub loss_p99: Decimal,
    /// Fees of the term.
    pub term_fees: Decimal,
    /// Collected over the term.
    pub term_collected: Decimal,
    /// Uncovered over the term.
    pub term_uncovered: Decimal,
    /// Fees and uncovered loss of the term.
    pub term_total: Decimal,
    /// What the numbers rest on.
    pub assumptions: Vec<Assumption>,
    /// What is not promised, or not found.
    pub not_promised: Vec<Gap>,
    /// Everything that should be asked.
    pub questions: Vec<Gap>,
    /// Pairs of an uncovered loss and the chance that a month leaves more.
    #[serde(serialize_with = "pairs")]
    pub exceedance: Vec<(Decimal, Decimal)>,
}

/// An offer that promises nothing that could be computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotComputed {
    /// The offer's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How well its facts are known.
    pub grade: Grade,
    /// What is not promised, or not found.
    pub not_promised: Vec<Gap>,
    /// Everything that should be asked.
    pub questions: Vec<Gap>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The need's name.
    pub need: String,
    /// Of every amount.
    pub currency: String,
    /// Months of the term.
    pub term_months: u32,
    /// Of the draws.
    pub seed: u64,
    /// Terms simulated.
    pub runs: u32,
    /// What a claim costs the buyer.
    pub claim_effort: Decimal,
    /// How often a claim is granted where the vendor decides.
    pub granted_at_discretion: Percent,
    /// What a voucher is worth.
    pub voucher_value: Percent,
    /// Share of outages ended at a restoration time that is credited.
    pub kept_if_credited: Percent,
    /// The same where a miss costs nothing.
    pub kept_if_stated: Percent,
    /// Lowest total of the term first.
    pub rows: Vec<Row>,
    /// Offers without a promise that could be computed.
    pub not_computed: Vec<NotComputed>,
    /// What would change the uncovered loss.
    pub sensitivity: Sensitivity,
    /// Published terms, were every outage restored in time.
    pub restored: Restored,
}

/// The uncovered losses if a restoration time is always kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Restored {
    /// The time.
    pub minutes: u32,
    /// As in a [`Row`].
    #[serde(serialize_with = "pairs")]
    pub exceedance: Vec<(Decimal, Decimal)>,
}

fn pairs<S: Serializer>(list: &[(Decimal, Decimal)], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(list.iter().map(|(a, b)| [a, b]))
}

/// Compares offers for a need: `runs` terms are drawn from `seed`.
///
/// # Errors
/// See [`CompareError`].
pub fn compare(
    need: &BuyerNeed,
    offers: &[Offer],
    seed: u64,
    runs: u32,
) -> Result<Comparison, CompareError> {
    check(need, offers, runs)?;
    let (computed, silent): (Vec<_>, Vec<_>) =
        offers.iter().partition(|offer| offer.can_be_simulated());
    let mut rows: Vec<Row> = computed.iter().map(|o| row(need, o, seed, runs)).collect();
    rows.sort_by(|a, b| (a.term_total, &a.id).cmp(&(b.term_total, &b.id)));
    let not_computed = silent.into_iter().map(|offer| {
        let questions = gaps::of(offer);
        NotComputed {
            id: offer.id.as_str().to_owned(),
            name: offer.name.clone(),
            grade: offer.grade,
            not_promised: not_promised(&questions),
            questions,
        }
    });
    Ok(Comparison {
        need: need.name.clone(),
        currency: need.currency.code().to_owned(),
        term_months: need.term.months.count(),
        seed,
        runs,
        claim_effort: cents(need.claim.effort()),
        granted_at_discretion: need.claim.granted_at_discretion,
        voucher_value: need.claim.voucher_value,
        kept_if_credited: need.belief.restoration_kept_if_credited,
        kept_if_stated: need.belief.restoration_kept_if_stated,
        rows,
        not_computed: not_computed.collect(),
        sensitivity: sensitivity(need),
        restored: restored(need, seed, runs),
    })
}

/// The restoration time whose effect is drawn beside the offers.
pub(crate) const DRAWN_WINDOW: u32 = 30;

fn restored(need: &BuyerNeed, seed: u64, runs: u32) -> Restored {
    let need = believing(need);
    let offer = published(Change::RestoredWithin(DRAWN_WINDOW));
    let seen = simulate(&need, &need.outages, &Terms::new(&need, &offer), seed, runs);
    Restored {
        minutes: DRAWN_WINDOW,
        exceedance: exceedance(&seen.left),
    }
}

fn check(need: &BuyerNeed, offers: &[Offer], runs: u32) -> Result<(), CompareError> {
    let months = need.term.months.count();
    if runs == 0 || u64::from(runs) * u64::from(months) > MAX_SIMULATED_MONTHS {
        return Err(CompareError::Runs { runs, months });
    }
    if offers.is_empty() || offers.len() > MAX_OFFERS {
        return Err(CompareError::Offers(offers.len()));
    }
    let mut seen = BTreeSet::new();
    match offers.iter().find(|offer| !seen.insert(offer.id.as_str())) {
        Some(offer) => Err(CompareError::Twice(offer.id.as_str().to_owned())),
        None => Ok(()),
    }
}

fn not_promised(questions: &[Gap]) -> Vec<Gap> {
    let missing = questions.iter().filter(|gap| gap.is_not_promised());
    missing.copied().collect()
}

fn row(need: &BuyerNeed, offer: &Offer, seed: u64, runs: u32) -> Row {
    let model = offer.outages.as_ref().unwrap_or(&need.outages);
    let terms = Terms::new(need, offer);
    let closed = expected(need, model, &terms);
    let seen = simulate(need, model, &terms, seed, runs);
    let months = need.term.months.count();
    let over_term = |p: f64| decimal(1.0 - libm::pow(1.0 - p, f64::from(months)), 6);
    let loss = Estimate::new(seen.loss, Some(cents(closed.loss)));
    let nothing = seen.credit.is_none().then_some(Decimal::ZERO);
    let collected = Estimate::new(seen.collected, closed.collected.or(nothing).map(cents));
    let uncovered = closed.collected.or(nothing).map(|c| cents(closed.loss - c));
    let uncovered = Estimate::new(seen.uncovered, uncovered);
    let left = uncovered
        .closed_form
        .unwrap_or_else(|| loss.best() - collected.best());
    let questions = gaps::of(offer);
    let times = |monthly: Decimal| cents(monthly * Decimal::from(months));
    Row {
        id: offer.id.as_str().to_owned(),
        name: offer.name.clone(),
        grade: offer.grade,
        grade_note: offer.grade_note.clone(),
        source: offer.source.clone(),
        target: offer.target,
        fee: terms.fee,
        breach_month: seen
            .breach_month
            .map(|m| Estimate::new(m, closed.breach.map(|p| decimal(p, 6)))),
        breach_term: seen
            .breach_term
            .map(|m| Estimate::new(m, closed.breach.map(over_term))),
        beyond_tolerance: decimal(closed.beyond_tolerance, 6),
        loss,
        credit: seen
            .credit
            .map(|m| Estimate::new(m, closed.credit.map(cents))),
        collected,
        uncovered,
        covered: share(collected.best(), loss.best()),
        loss_p50: percentile(&seen, 50),
        loss_p95: percentile(&seen, 95),
        loss_p99: percentile(&seen, 99),
        term_fees: times(terms.fee),
        term_collected: times(collected.best()),
        term_uncovered: times(left),
        term_total: times(terms.fee + left),
        assumptions: assumptions(need, offer, &terms),
        not_promised: not_promised(&questions),
        questions,
        exceedance: exceedance(&seen.left),
    }
}

impl Row {
    /// Uncovered loss per month: in closed form, or else the closed loss less
    /// the simulated credits, so that the columns of a report add up.
    #[must_use]
    pub fn uncovered_best(&self) -> Decimal {
        let difference = self.loss.best() - self.collected.best();
        self.uncovered.closed_form.unwrap_or(difference)
    }
}

fn share(part: Decimal, whole: Decimal) -> Decimal {
    if whole.is_zero() {
        return Decimal::ZERO;
    }
    (part / whole).round_dp(6)
}

/// The smallest loss that at least `percent` of the months stay within.
fn percentile(seen: &Simulated, percent: usize) -> Decimal {
    let rank = (seen.losses.len() * percent).div_ceil(100).max(1);
    seen.losses.get(rank - 1).copied().unwrap_or_default()
}

/// Points of the curve at chances that fall by a quarter each: even steps on
/// the logarithmic axis that such curves are drawn on.
fn exceedance(losses: &[Decimal]) -> Vec<(Decimal, Decimal)> {
    let n = losses.len();
    let mut points: Vec<(Decimal, Decimal)> = Vec::new();
    let mut above = n;
    while above > 0 {
        let loss = losses[n - above];
        let more = n - losses.partition_point(|l| *l <= loss);
        let chance = (Decimal::from(more) / Decimal::from(n)).round_dp(6);
        if points.last().is_none_or(|(last, _)| *last < loss) {
            points.push((loss, chance));
        }
        above = above * 3 / 4;
    }
    points
}

fn assumptions(need: &BuyerNeed, offer: &Offer, terms: &Terms<'_>) -> Vec<Assumption> {
    use super::terms::Credits;
    let claim = &offer.claim;
    let late = claim
        .window_days
        .is_some_and(|d| d < need.claim.days_to_file);
    let amount = offer.restoration.get(&crate::severity::Severity::S1);
    let all = [
        (Assumption::Fee, fee(need, offer).1),
        (Assumption::NoCredits, offer.credits.is_none()),
        (Assumption::Counting, offer.counting.is_none()),
        (
            Assumption::AllIndicators,
            matches!(offer.credits, Some(Credits::Matrix(_))),
        ),
        (Assumption::PeakExcluded, terms.peak_excluded),
        (Assumption::TooLate, late && !claim.automatic),
        (Assumption::OwnOutages, offer.outages.is_some()),
        (
            Assumption::RestorationAmount,
            amount.is_some_and(|w| w.credited && w.credit.is_none()),
        ),
    ];
    let held = all.into_iter().filter(|(_, held)| *held);
    held.map(|(assumption, _)| assumption).collect()
}
