//! What a month's outages pay back, and what of it reaches the buyer.

use rust_decimal::Decimal;

use super::need::{BuyerNeed, Claim};
use super::outage::MONTH_SECONDS;
use super::quantity::cents;
use super::terms::{CreditForm, Credits, DecidedBy, Fee, Offer};
use crate::ratio::Percent;
use crate::severity::Severity;

/// One outage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    /// Minute of the month, from 0.
    pub start: u32,
    /// How long, at most a month.
    pub seconds: u32,
    /// How many of the users.
    pub users: Percent,
    /// Whether it begins within the daily peak.
    pub at_peak: bool,
}

/// An offer's terms against one need.
pub(crate) struct Terms<'a> {
    pub offer: &'a Offer,
    /// The month's fee.
    pub fee: Decimal,
    /// Whether outages at the peak do not count.
    pub peak_excluded: bool,
    /// Restoration at S1 in minutes, and its credit.
    pub restoration: Option<(u32, Option<Percent>)>,
    /// Share of longer outages that end at the restoration time.
    pub kept: Percent,
    collect: Collect,
}

/// What becomes of a credit.
struct Collect {
    automatic: bool,
    in_time: bool,
    value: Percent,
    granted: Percent,
    effort: Decimal,
}

impl<'a> Terms<'a> {
    pub(crate) fn new(need: &BuyerNeed, offer: &'a Offer) -> Self {
        let window = offer.restoration.get(&Severity::S1);
        let restoration = window.and_then(|w| {
            let credit = w.credit.filter(|_| w.credited);
            Some((w.minutes?, credit))
        });
        let kept = match window {
            Some(w) if w.credited => need.belief.restoration_kept_if_credited,
            Some(_) => need.belief.restoration_kept_if_stated,
            None => Percent::ZERO,
        };
        Self {
            offer,
            fee: fee(need, offer).0,
            peak_excluded: peak_excluded(need, offer),
            restoration,
            kept,
            collect: Collect::new(&need.claim, offer),
        }
    }

    /// Seconds that count, times users in units of 10⁻⁸.
    fn counted(&self, outage: &Outage) -> u64 {
        if self.peak_excluded && outage.at_peak {
            return 0;
        }
        let counting = self.offer.counting.unwrap_or_default();
        let short = counting
            .min_run_minutes
            .is_some_and(|min| outage.seconds < u32::from(min) * 60);
        let few = counting.bad_from.is_some_and(|from| outage.users < from);
        if short || few {
            return 0;
        }
        let slice = counting
            .slice_minutes
            .map_or(60, |m| u32::from(m.max(1)) * 60);
        let seconds = if counting.whole_slices {
            outage.seconds / slice * slice
        } else {
            outage.seconds
        };
        let users = if counting.proportional {
            outage.users
        } else {
            Percent::ONE
        };
        u64::from(seconds) * users.units()
    }

    /// Whether the month misses the target, and what it pays by the offer's
    /// text; `None`: the offer says nothing of that.
    pub(crate) fn month(&self, outages: &[Outage]) -> (Option<bool>, Option<Decimal>) {
        // A month has 2.6 million seconds: 100 outages of that length, and the
        // parts of the whole, are far below 2⁶⁴.
        let down: u64 = outages.iter().map(|o| self.counted(o)).sum();
        let breached = self.offer.target.map(|target| misses(down, target));
        let credit = self.nominal(down, outages);
        (breached, credit)
    }

    fn nominal(&self, down: u64, outages: &[Outage]) -> Option<Decimal> {
        let late = self.restoration_credit(outages);
        let credits = self.offer.credits.as_ref();
        if credits.is_none() && self.restoration.is_none_or(|(_, c)| c.is_none()) {
            return None;
        }
        let by_availability = credits.map_or(Decimal::ZERO, |c| self.by_availability(c, down));
        Some(self.bounded(by_availability + late))
    }

    fn by_availability(&self, credits: &Credits, down: u64) -> Decimal {
        if let Credits::Proportional(times) = credits {
            if !misses(down, self.target()) {
                return Decimal::ZERO;
            }
            let whole = Decimal::from(u64::from(MONTH_SECONDS) * Percent::WHOLE);
            return self.fee * (Decimal::from(down) / whole) * times.value();
        }
        // A row above the target (a better target has its own conditions) pays
        // only once the target is missed.
        let target = self.target();
        let share = credits.share(usize::MAX, |bound| misses(down, bound.min(target)));
        self.fee * fraction(share)
    }

    /// What must be missed before anything is paid.
    pub(crate) fn target(&self) -> Percent {
        self.offer.target.unwrap_or(Percent::ONE)
    }

    fn restoration_credit(&self, outages: &[Outage]) -> Decimal {
        let Some((minutes, Some(credit))) = self.restoration else {
            return Decimal::ZERO;
        };
        let late = |o: &&Outage| u64::from(o.seconds) > u64::from(minutes) * 60;
        // A credit per outage: each is an incident of its own.
        Decimal::from(outages.iter().filter(late).count()) * self.fee * fraction(credit)
    }

    /// Caps at the offer's cap, never above the fee where no cap is known, and
    /// drops what is too small to be paid.
    pub(crate) fn bounded(&self, credit: Decimal) -> Decimal {
        let cap = self.fee * fraction(self.offer.cap.unwrap_or(Percent::ONE));
        let credit = cents(credit.min(cap));
        let least = self.offer.min_credit.map_or(Decimal::ZERO, |m| m.value());
        if credit < least {
            Decimal::ZERO
        } else {
            credit
        }
    }

    /// What a credit brings the buyer, less the effort of the claim. The draw
    /// says whether it is granted, in units of 10⁻⁸.
    pub(crate) fn collected(&self, nominal: Decimal, draw: u64) -> Decimal {
        if !self.collect.claimed(nominal) {
            return Decimal::ZERO;
        }
        let granted = draw < self.collect.granted.units();
        let paid = if granted {
            nominal * fraction(self.collect.value)
        } else {
            Decimal::ZERO
        };
        cents(paid - self.collect.cost())
    }

    /// The mean of [`Self::collected`] over the draw.
    pub(crate) fn collected_mean(&self, nominal: Decimal) -> Decimal {
        if !self.collect.claimed(nominal) {
            return Decimal::ZERO;
        }
        self.collect.worth(nominal) - self.collect.cost()
    }
}

impl Collect {
    fn new(claim: &Claim, offer: &Offer) -> Self {
        let automatic = offer.claim.automatic;
        let window = offer.claim.window_days;
        Self {
            automatic,
            in_time: automatic || window.is_none_or(|days| days >= claim.days_to_file),
            value: match offer.claim.form {
                Some(CreditForm::Voucher) => claim.voucher_value,
                _ => Percent::ONE,
            },
            granted: match offer.decided_by {
                Some(DecidedBy::Vendor) => claim.granted_at_discretion,
                _ => Percent::ONE,
            },
            effort: claim.effort(),
        }
    }

    fn worth(&self, nominal: Decimal) -> Decimal {
        nominal * fraction(self.value) * fraction(self.granted)
    }

    fn cost(&self) -> Decimal {
        if self.automatic {
            Decimal::ZERO
        } else {
            self.effort
        }
    }

    /// A buyer files in time, and only what is worth more than the work.
    fn claimed(&self, nominal: Decimal) -> bool {
        self.in_time && self.worth(nominal) > self.cost()
    }
}

/// A share as a decimal.
pub(crate) fn fraction(share: Percent) -> Decimal {
    // 8 decimals are what a share has.
    Decimal::from_i128_with_scale(i128::from(share.units()), 8)
}

/// Whether an availability with `down` (seconds × units of users) of a month is
/// below `bound`.
pub(crate) fn misses(down: u64, bound: Percent) -> bool {
    down > u64::from(MONTH_SECONDS) * bound.complement().units()
}

/// The month's fee, and whether it is the buyer's assumption.
pub(crate) fn fee(need: &BuyerNeed, offer: &Offer) -> (Decimal, bool) {
    match offer.fee {
        Some(Fee::PerMonth(amount)) => (cents(amount.value()), false),
        Some(Fee::ByUse {
            per_1000_minutes,
            minimum_per_month,
        }) => {
            let used =
                Decimal::from(need.scale.participant_minutes_per_month) / Decimal::from(1000);
            let fee = used
                .checked_mul(per_1000_minutes.value())
                .unwrap_or(Decimal::MAX);
            // As much as any other quantity may be.
            let fee = fee.min(Decimal::from(1_000_000_000));
            (cents(fee.max(minimum_per_month.value())), false)
        }
        None => (cents(need.assumed_fee_per_month.value()), true),
    }
}

/// Whether outages at the buyer's peak fall under an exclusion of surges.
pub(crate) fn peak_excluded(need: &BuyerNeed, offer: &Offer) -> bool {
    let Some(surge) = &offer.surge else {
        return false;
    };
    if need.peak.hours.count() == 0 {
        return false;
    }
    let above = surge.above.is_some_and(|above| need.peak.surge > above);
    above || (surge.unannounced && !need.peak.declared)
}
