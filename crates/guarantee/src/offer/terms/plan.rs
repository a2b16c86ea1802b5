//! From a plan of one's own to an offer.

use super::{
    ClaimTerms, Counting, CreditForm, Credits, DecidedBy, Fee, Grade, Offer, OfferId, Tier, Tiers,
    Window,
};
use crate::offer::quantity::Quantity;
use crate::ratio::Percent;
use crate::severity::Severity;

/// What a plan of one's own promises, as plain values: the bridge from a
/// contract to an offer.
#[derive(Clone, Debug)]
pub struct PlanFacts {
    /// See [`Offer`]; the same for all fields.
    pub id: OfferId,
    /// Name shown.
    pub name: String,
    /// Who offers it.
    pub vendor: String,
    /// The contract's id and version.
    pub source: String,
    /// What it costs.
    pub fee_per_month: Option<Quantity>,
    /// The lowest target among the covered modules.
    pub target: Percent,
    /// What is paid back; empty: nothing.
    pub tiers: Vec<Tier>,
    /// Most of a fee that is paid back.
    pub cap: Percent,
    /// Paid without a claim.
    pub automatic_credits: bool,
    /// Severity and credits follow from the log.
    pub by_evidence: bool,
    /// Severity, minutes, credit for a miss.
    pub response: Vec<(Severity, u32, Option<Percent>)>,
    /// Severity, minutes, credit for a miss.
    pub restoration: Vec<(Severity, u32, Option<Percent>)>,
    /// `7x24` or a calendar.
    pub support_hours: String,
    /// Which updates and generations are included.
    pub updates: String,
    /// Months of the term.
    pub term_months: u32,
}

impl From<PlanFacts> for Offer {
    fn from(plan: PlanFacts) -> Self {
        let windows = |list: Vec<(Severity, u32, Option<Percent>)>| {
            let window = |(severity, minutes, credit): (_, u32, Option<Percent>)| {
                let window = Window {
                    minutes: Some(minutes),
                    credited: credit.is_some(),
                    credit,
                    text: None,
                };
                (severity, window)
            };
            list.into_iter().map(window).collect()
        };
        Self {
            vendor: Some(plan.vendor),
            source: Some(plan.source),
            fee: plan.fee_per_month.map(Fee::PerMonth),
            target: Some(plan.target),
            counting: Some(Counting {
                slice_minutes: Some(1),
                proportional: true,
                ..Counting::default()
            }),
            credits: Tiers::try_from(plan.tiers).ok().map(Credits::Tiers),
            cap: Some(plan.cap),
            claim: ClaimTerms {
                automatic: plan.automatic_credits,
                window_days: None,
                form: Some(CreditForm::Credit),
                text: None,
            },
            decided_by: Some(if plan.by_evidence {
                DecidedBy::Evidence
            } else {
                DecidedBy::Vendor
            }),
            response: windows(plan.response),
            restoration: windows(plan.restoration),
            support_hours: Some(plan.support_hours),
            updates: Some(plan.updates),
            term_months: Some(plan.term_months),
            ..Self::unknown(plan.id, plan.name, Grade::V)
        }
    }
}
