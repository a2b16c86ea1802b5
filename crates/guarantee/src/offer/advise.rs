//! From scale and stability needs to a service level, with the numbers behind
//! it.

use rust_decimal::Decimal;
use serde::Serialize;

use super::credit::fee;
use super::need::{BuyerNeed, minute_of_day};
use super::outage::MONTH_MINUTES;
use super::quantity::cents;
use super::sensitivity::{Change, Sensitivity, WINDOWS, lost, sensitivity};
use super::terms::{Grade, Offer, OfferId};
use crate::module::Module;
use crate::ratio::Percent;
use crate::severity::Severity;

/// Targets that are offered, lowest first, in units of 10⁻⁸.
const TARGETS: [u64; 4] = [99_500_000, 99_900_000, 99_950_000, 99_990_000];
/// From here a need is its own contract: more regions than a plan's coverage
/// lines are written for, or more users at once than a plan's declared peak.
const CUSTOM_REGIONS: usize = 5;
const CUSTOM_PEAK: u64 = 100_000;
/// Office hours, for support by calendar: 9 to 18.
const OFFICE: std::ops::Range<u32> = 540..1080;

/// A ready-made plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// One year, office hours.
    Entry,
    /// Three years, named contacts.
    Professional,
    /// No exclusions but declared maintenance, severity by evidence, automatic
    /// credits.
    Radical,
    /// Radical terms, written for this need alone.
    Custom,
}

/// When support must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Monday to Friday, 9 to 18.
    OfficeHours,
    /// Always.
    AroundTheClock,
}

/// Why the advice is what it is. Amounts are per month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Outages cost `loss`, the service `fee`.
    LossAgainstFee {
        /// Expected loss.
        loss: Decimal,
        /// Assumed fee.
        fee: Decimal,
    },
    /// Published credits would bring back this much of the loss.
    CreditsCover {
        /// What would be collected.
        collected: Decimal,
        /// Of the loss.
        share: Decimal,
    },
    /// Outages must end within `minutes`.
    Tolerance {
        /// What can be borne.
        minutes: u32,
    },
    /// A human must answer within `minutes`.
    Response {
        /// What can be borne.
        minutes: u32,
    },
    /// There are `count` events; a minute of the largest costs `extra` more.
    Events {
        /// How many.
        count: usize,
        /// On top of the usual.
        extra: Decimal,
    },
    /// The peak lies outside office hours.
    PeakOutsideOffice,
    /// So many regions, or so many at once, need a contract of their own.
    Scale {
        /// Regions.
        regions: usize,
        /// Most users at once.
        peak: u64,
    },
    /// No target of the list keeps downtime within the tolerance.
    TargetAllowsMore {
        /// The highest target.
        target: Percent,
        /// Minutes that it allows per month.
        allowed_minutes: u32,
        /// What can be borne.
        tolerated: u32,
    },
    /// A longer term saves nothing of the loss.
    TermSavesNothing,
    /// Independent regions would save this much.
    IndependentRegions {
        /// Per month.
        saved: Decimal,
    },
}

/// A restoration time and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WindowValue {
    /// The time.
    pub minutes: u32,
    /// Expected loss per month if it is always kept, before credits: a shorter
    /// outage is worth its length, whatever it no longer pays.
    pub loss: Decimal,
    /// Saved against no promise.
    pub saved: Decimal,
    /// Saved against the next longer time: the most that the step may cost.
    pub worth: Decimal,
}

/// What to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The need's name.
    pub need: String,
    /// Of every amount.
    pub currency: String,
    /// The plan.
    pub level: Level,
    /// Parts of the service and their targets.
    pub modules: Vec<(Module, Percent)>,
    /// Minutes to restore, per severity.
    pub restoration: Vec<(Severity, u32)>,
    /// Minutes to a first human answer, per severity.
    pub response: Vec<(Severity, u32)>,
    /// When support answers.
    pub support: Support,
    /// Months.
    pub term_months: u32,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What each restoration time is worth.
    pub windows: Vec<WindowValue>,
    /// What else would change the loss.
    pub sensitivity: Sensitivity,
}

/// Finds a service level for a need.
#[must_use]
pub fn advise(need: &BuyerNeed) -> Advice {
    let sensitivity = sensitivity(need);
    let windows = windows(need, sensitivity.loss);
    let target = target(need);
    let level = level(need, &sensitivity);
    Advice {
        need: need.name.clone(),
        currency: need.currency.code().to_owned(),
        level,
        modules: modules(need, target),
        restoration: restoration(need),
        response: response(need),
        support: support(need),
        term_months: term(level, need),
        reasons: reasons(need, &sensitivity, target),
        windows,
        sensitivity,
    }
}

fn windows(need: &BuyerNeed, loss: Decimal) -> Vec<WindowValue> {
    let mut longer = loss;
    let value = |minutes| {
        let left = cents(lost(need, Change::RestoredWithin(minutes)));
        let value = WindowValue {
            minutes,
            loss: left,
            saved: loss - left,
            worth: longer - left,
        };
        longer = left;
        value
    };
    WINDOWS.into_iter().map(value).collect()
}

fn assumed_fee(need: &BuyerNeed) -> Decimal {
    // Only the need's own assumption: no offer is named here.
    let Ok(id) = OfferId::try_from("any".to_owned()) else {
        return Decimal::ZERO;
    };
    fee(need, &Offer::unknown(id, String::new(), Grade::NotFound)).0
}

fn is_own_contract(need: &BuyerNeed) -> bool {
    need.regions.list().len() >= CUSTOM_REGIONS || need.scale.peak_participants >= CUSTOM_PEAK
}

/// Radical where outages cost more than the service or must be short;
/// professional where they cost a fifth of it or somebody must answer soon.
fn level(need: &BuyerNeed, sensitivity: &Sensitivity) -> Level {
    let (loss, fee) = (sensitivity.loss, assumed_fee(need));
    let tolerance = need.tolerance;
    let radical =
        loss > fee || tolerance.max_outage_minutes <= 60 || !need.events.list().is_empty();
    let professional = loss * Decimal::from(5) > fee
        || tolerance.max_outage_minutes <= 240
        || tolerance.max_response_minutes <= 240;
    match (is_own_contract(need), radical, professional) {
        (true, ..) => Level::Custom,
        (_, true, _) => Level::Radical,
        (_, _, true) => Level::Professional,
        _ => Level::Entry,
    }
}

fn allowed_minutes(target: Percent) -> u32 {
    let minutes = u64::from(MONTH_MINUTES) * target.complement().units() / Percent::WHOLE;
    u32::try_from(minutes).unwrap_or(MONTH_MINUTES)
}

/// The lowest target whose allowed downtime is within the longest outage that
/// can be borne.
fn target(need: &BuyerNeed) -> Percent {
    let targets = TARGETS.map(|t| Percent::from_units(t).unwrap_or(Percent::ONE));
    let limit = need.tolerance.max_outage_minutes;
    let fits = targets.iter().find(|t| allowed_minutes(**t) <= limit);
    fits.copied().unwrap_or(targets[3])
}

/// What keeps a show running gets the target; what can be caught up with, one
/// step less.
fn modules(need: &BuyerNeed, target: Percent) -> Vec<(Module, Percent)> {
    let step = TARGETS
        .iter()
        .position(|t| *t == target.units())
        .unwrap_or(0);
    let lower = Percent::from_units(TARGETS[step.saturating_sub(1)]).unwrap_or(target);
    let mut modules = need.modules.clone();
    modules.sort_unstable();
    modules.dedup();
    let of = |m: Module| match m {
        Module::Recording | Module::Agent => (m, lower),
        _ => (m, target),
    };
    modules.into_iter().map(of).collect()
}

fn restoration(need: &BuyerNeed) -> Vec<(Severity, u32)> {
    let limit = need.tolerance.max_outage_minutes;
    let longest = WINDOWS.into_iter().find(|w| *w <= limit);
    let first = longest.unwrap_or(WINDOWS[WINDOWS.len() - 1]);
    vec![
        (Severity::S1, first),
        (Severity::S2, first * 2),
        (Severity::S3, first * 12),
    ]
}

fn response(need: &BuyerNeed) -> Vec<(Severity, u32)> {
    // Nobody answers in less than a minute, nor later than in a day.
    let first = need.tolerance.max_response_minutes.clamp(1, 1440);
    vec![
        (Severity::S1, first),
        (Severity::S2, (first * 4).min(1440)),
        (Severity::S3, (first * 16).min(3 * 1440)),
    ]
}

fn peak_outside_office(need: &BuyerNeed) -> bool {
    let start = minute_of_day(need.peak.starts_at);
    let end = start + u32::from(need.peak.hours.count()) * 60;
    need.peak.hours.count() > 0 && (start < OFFICE.start || end > OFFICE.end)
}

fn support(need: &BuyerNeed) -> Support {
    let outside = peak_outside_office(need) || !need.events.list().is_empty();
    if outside || need.tolerance.max_outage_minutes <= 240 {
        Support::AroundTheClock
    } else {
        Support::OfficeHours
    }
}

/// No longer than what is wanted: a term holds price and terms, not the service.
fn term(level: Level, need: &BuyerNeed) -> u32 {
    let wanted = need.term.months.count();
    match level {
        Level::Entry => wanted.min(12),
        _ => wanted.min(36),
    }
}

fn reasons(need: &BuyerNeed, sensitivity: &Sensitivity, target: Percent) -> Vec<Reason> {
    let base = sensitivity
        .steps
        .first()
        .map_or(Decimal::ZERO, |s| s.uncovered);
    let collected = sensitivity.loss - base;
    let share = if sensitivity.loss.is_zero() {
        Decimal::ZERO
    } else {
        (collected / sensitivity.loss).round_dp(6)
    };
    let tolerance = need.tolerance;
    let mut reasons = vec![
        Reason::LossAgainstFee {
            loss: sensitivity.loss,
            fee: assumed_fee(need),
        },
        Reason::CreditsCover { collected, share },
        Reason::Tolerance {
            minutes: tolerance.max_outage_minutes,
        },
        Reason::Response {
            minutes: tolerance.max_response_minutes,
        },
    ];
    let events = need.events.list();
    if let Some(extra) = events.iter().map(|e| e.extra_per_minute).max() {
        reasons.push(Reason::Events {
            count: events.len(),
            extra: extra.value(),
        });
    }
    if peak_outside_office(need) {
        reasons.push(Reason::PeakOutsideOffice);
    }
    if is_own_contract(need) {
        reasons.push(Reason::Scale {
            regions: need.regions.list().len(),
            peak: need.scale.peak_participants,
        });
    }
    let allowed = allowed_minutes(target);
    if allowed > tolerance.max_outage_minutes {
        reasons.push(Reason::TargetAllowsMore {
            target,
            allowed_minutes: allowed,
            tolerated: tolerance.max_outage_minutes,
        });
    }
    let regional = sensitivity
        .steps
        .iter()
        .find(|s| s.change == Change::OneRegion);
    if let Some(step) = regional.filter(|s| s.saved > Decimal::ZERO) {
        reasons.push(Reason::IndependentRegions { saved: step.saved });
    }
    reasons.push(Reason::TermSavesNothing);
    reasons
}

/// A share as a percentage with one decimal.
pub(crate) fn percent_text(share: Decimal) -> String {
    super::quantity::grouped(share * Decimal::from(100), 1) + "%"
}
