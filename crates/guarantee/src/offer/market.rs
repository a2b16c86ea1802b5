//! The market's published promises as built-in offers.
//!
//! The facts stand in `offers/vendors.json` with their source and the grade of
//! evidence. A fact that is not there stays unknown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};

use super::terms::{
    ClaimTerms, Counting, CreditForm, Credits, DecidedBy, Grade, Matrix, MatrixRow, Offer, OfferId,
    Tier, Tiers, Window,
};
use crate::ratio::Percent;
use crate::severity::Severity;

mod texts;

use texts::{leading, names, surge, threshold, window};

const FACTS: &str = include_str!("../../offers/vendors.json");

/// All built-in offers, in the file's order.
///
/// # Errors
/// Only if the built-in file does not fit its types: a test reads it.
pub fn offers() -> Result<Vec<Offer>, String> {
    parse(FACTS)
}

fn parse(text: &str) -> Result<Vec<Offer>, String> {
    let facts: Facts = serde_json::from_str(text).map_err(|e| format!("vendors.json: {e}"))?;
    let each = facts
        .vendors
        .into_iter()
        .map(|vendor| offer(&vendor).map_err(|e| format!("vendors.json: {}: {e}", vendor.id)));
    each.collect()
}

#[derive(Deserialize)]
struct Facts {
    #[serde(rename = "legend")]
    _legend: Value,
    vendors: Vec<Vendor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    id: String,
    ev: Option<String>,
    src: Option<String>,
    method: Option<String>,
    slice_min: Option<u16>,
    month: Option<String>,
    target: Option<Number>,
    target_enterprise: Option<Number>,
    target_with_well_architected_review: Option<Number>,
    #[serde(default)]
    indicators: Vec<Value>,
    credit_matrix: Option<BTreeMap<String, Vec<Number>>>,
    credits: Option<Vec<(Number, Number)>>,
    scope: Option<String>,
    bad_if: Option<String>,
    min_run_min: Option<u16>,
    floor: Option<String>,
    form: Option<CreditForm>,
    claim: Option<String>,
    claim_days: Option<Value>,
    partial_month: Option<String>,
    surge: Option<String>,
    disputes: Option<String>,
    min_credit_usd: Option<u32>,
    #[serde(default)]
    response: BTreeMap<String, BTreeMap<Priority, String>>,
    #[serde(default)]
    restore: BTreeMap<String, BTreeMap<Priority, String>>,
    #[serde(default, rename = "response_sevA")]
    response_sev_a: BTreeMap<String, String>,
    downgrade: Option<String>,
}

/// Priorities as vendors number them.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    P1,
    P2,
    P3,
    P4,
}

impl From<Priority> for Severity {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::P1 => Self::S1,
            Priority::P2 => Self::S2,
            Priority::P3 => Self::S3,
            Priority::P4 => Self::S4,
        }
    }
}

fn offer(v: &Vendor) -> Result<Offer, String> {
    let (grade, grade_note) = grade(v.ev.as_deref())?;
    let (name, vendor) = names(&v.id);
    let mut offer = Offer::unknown(OfferId::try_from(v.id.clone())?, name, grade);
    offer.vendor = vendor;
    offer.grade_note = grade_note;
    offer.source.clone_from(&v.src);
    offer.target = v.target.as_ref().map(percent).transpose()?;
    offer.counting = counting(v)?;
    offer.credits = credits(v)?;
    offer.min_credit = v.min_credit_usd.map(Into::into);
    offer.surge = v.surge.as_deref().map(surge).transpose()?;
    offer.claim = claim(v);
    // Only what is said outright: silence is not discretion.
    offer.decided_by = v.disputes.as_ref().map(|_| DecidedBy::Vendor);
    // The best plan that was found counts; all of them stand in the notes.
    offer.response = best(&v.response);
    offer.restoration = best(&v.restore);
    if let Some(window) = v
        .response_sev_a
        .values()
        .map(|t| window(t))
        .min_by_key(|w| w.minutes)
    {
        offer.response.insert(Severity::S1, window);
    }
    offer.notes = notes(v)?;
    Ok(offer)
}

fn grade(ev: Option<&str>) -> Result<(Grade, Option<String>), String> {
    let Some(text) = ev else {
        return Ok((Grade::NotFound, None));
    };
    let (letter, rest) = text.split_once('(').unwrap_or((text, ""));
    let grade = match letter {
        "V" => Grade::V,
        "S" => Grade::S,
        "M" => Grade::M,
        other => return Err(format!("`{other}` is no grade")),
    };
    let note = rest.trim_end_matches(')');
    Ok((grade, (!note.is_empty()).then(|| note.to_owned())))
}

fn percent(number: &Number) -> Result<Percent, String> {
    format!("{number}%").parse()
}

/// What the texts say of slices, runs and thresholds.
fn counting(v: &Vendor) -> Result<Option<Counting>, String> {
    let Some(method) = v.method.as_deref() else {
        return Ok(None);
    };
    let mut counting = Counting {
        slice_minutes: v.slice_min,
        min_run_minutes: v.min_run_min,
        ..Counting::default()
    };
    if let Some(bad) = v.bad_if.as_deref() {
        counting.bad_from = Some(threshold(bad, '>')?);
    }
    match method {
        "timeslices" => {
            // A join indicator below 95 % is an outage of more than 5 %.
            if v.indicators.iter().any(|i| i["bad_if"] == "<95") {
                counting.bad_from = Some("5%".parse()?);
            }
        }
        "ratio-timeslices" => counting.proportional = true,
        "downtime-minutes" => {}
        other => {
            // ">=5 consecutive full minutes with >5% errors and …"
            counting.slice_minutes = Some(1);
            counting.whole_slices = other.contains("full minutes");
            counting.min_run_minutes = leading(other.trim_start_matches(">="));
            let with = other.split("with ").nth(1).ok_or("no threshold")?;
            counting.bad_from = Some(threshold(with, '>')?);
        }
    }
    Ok(Some(counting))
}

fn credits(v: &Vendor) -> Result<Option<Credits>, String> {
    if let Some(matrix) = &v.credit_matrix {
        let rows = matrix.iter().map(|(range, row)| {
            // "[99,99.5)" and "<90": what counts is the upper end.
            let upper = range.trim_start_matches('<').trim_end_matches(')');
            let upper = upper.rsplit(',').next().unwrap_or(upper);
            let credit: Result<_, String> = row.iter().map(percent).collect();
            Ok(MatrixRow {
                below: format!("{upper}%").parse()?,
                credit: credit?,
            })
        });
        let rows: Result<Vec<_>, String> = rows.collect();
        return Ok(Some(Credits::Matrix(Matrix::try_from(rows?)?)));
    }
    let Some(tiers) = &v.credits else {
        return Ok(None);
    };
    let tiers = tiers.iter().map(|(below, credit)| {
        Ok(Tier {
            below: percent(below)?,
            credit: percent(credit)?,
        })
    });
    let tiers: Result<Vec<_>, String> = tiers.collect();
    Ok(Some(Credits::Tiers(Tiers::try_from(tiers?)?)))
}

fn claim(v: &Vendor) -> ClaimTerms {
    let days = v.claim_days.as_ref().map(|c| c.get("v").unwrap_or(c));
    let days = days
        .and_then(Value::as_u64)
        .and_then(|d| u32::try_from(d).ok());
    // "within 2 months": at least 59 days.
    let months = v
        .claim
        .as_deref()
        .is_some_and(|c| c.contains("within 2 months"));
    ClaimTerms {
        automatic: false,
        window_days: days.or(months.then_some(59)),
        form: v.form,
        text: v.claim.clone(),
    }
}

/// Per severity the shortest window of all plans; among equals the credited one.
fn best(plans: &BTreeMap<String, BTreeMap<Priority, String>>) -> BTreeMap<Severity, Window> {
    let mut found: BTreeMap<Severity, Window> = BTreeMap::new();
    let key = |w: &Window| (w.minutes.unwrap_or(u32::MAX), !w.credited);
    for (priority, text) in plans.values().flatten() {
        let new = window(text);
        let severity = Severity::from(*priority);
        if found.get(&severity).is_none_or(|old| key(&new) < key(old)) {
            found.insert(severity, new);
        }
    }
    found
}

fn notes(v: &Vendor) -> Result<Vec<String>, String> {
    let mut notes = Vec::new();
    let texts = [
        ("month", &v.month),
        ("scope", &v.scope),
        ("method", &v.method),
        ("bad if", &v.bad_if),
        ("floor", &v.floor),
        ("partial month", &v.partial_month),
        ("disputes", &v.disputes),
        ("severity", &v.downgrade),
    ];
    let written = texts
        .iter()
        .filter_map(|(what, text)| Some((what, text.as_ref()?)));
    notes.extend(written.map(|(what, text)| format!("{what}: {text}")));
    if let Some(target) = &v.target_enterprise {
        notes.push(format!(
            "target of the enterprise plan: {}",
            percent(target)?
        ));
    }
    if let Some(target) = &v.target_with_well_architected_review {
        let target = percent(target)?;
        notes.push(format!("target after a well-architected review: {target}"));
    }
    for (what, plans) in [("response", &v.response), ("restoration", &v.restore)] {
        for (plan, windows) in plans {
            let each: Vec<String> = windows
                .iter()
                .map(|(p, text)| format!("{:?} {text}", Severity::from(*p)))
                .collect();
            notes.push(format!("{what}, {plan}: {}", each.join(", ")));
        }
    }
    for (plan, text) in &v.response_sev_a {
        notes.push(format!("response, severity A, {plan}: {text}"));
    }
    let weaker = v.claim_days.as_ref().and_then(|c| c["ev"].as_str());
    if let Some(grade) = weaker {
        notes.push(format!("claim window: evidence {grade}"));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_read_and_gaps_stay_gaps() {
        let offers = offers().expect("built-in");
        assert_eq!(offers.len(), 19);
        let lines: Vec<String> = offers
            .iter()
            .map(|o| {
                let text = |p: Option<Percent>| p.map_or("not found".into(), |p| p.to_string());
                let credits = o.credits.as_ref().map_or("not found".into(), |c| {
                    let top = c.share(usize::MAX, |_| true);
                    format!("up to {top}")
                });
                format!(
                    "{} {} {} credits {credits}",
                    o.id.as_str(),
                    o.grade,
                    text(o.target)
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn texts_become_numbers_only_where_they_have_them() {
        for (text, minutes, credited) in [
            ("4h SLA credits", Some(240), true),
            ("4h SLO", Some(240), false),
            ("<15min", Some(15), false),
            ("<1h (older <2h)", Some(60), false),
            ("NBD", None, false),
        ] {
            let window = window(text);
            assert_eq!(
                (window.minutes, window.credited),
                (minutes, credited),
                "{text}"
            );
        }
    }

    #[test]
    fn a_worst_rate_picks_the_row_and_misses_the_column() {
        let offers = offers().expect("built-in");
        let credits = offers[0].credits.as_ref().expect("a matrix");
        // The rates of the four indicators, and the credit of a fee of 1,000,000.
        for (rates, expected) in [
            (["94%", "98%", "99.6%", "99.9%"], 350_000),
            (["99.5%", "99.5%", "99.5%", "99.5%"], 0),
            (["80%", "100%", "100%", "100%"], 1_000_000),
            (["99.4%", "99.4%", "99.4%", "99.4%"], 80_000),
        ] {
            let rates = rates.map(|r| r.parse::<Percent>().expect(r));
            let target = offers[0].target.expect("a target");
            let missed = rates.iter().filter(|r| **r < target).count();
            let worst = rates.into_iter().min().expect("four");
            let share = credits.share(missed, |bound| worst < bound);
            assert_eq!(1_000_000 * share.units() / Percent::WHOLE, expected);
        }
    }
}
