//! Offers as text: the list, and one with everything that is known of it.

use std::fmt::Write as _;

use super::table::{Table, plain, titled, width};
use crate::offer::gaps;
use crate::offer::terms::{Credits, Fee, Offer, Window};
use crate::offer::words::Lang;
use crate::severity::Severity;

/// The list of offers as text.
#[must_use]
pub fn offers_text(offers: &[Offer], lang: Lang) -> String {
    let head = [
        "ID",
        lang.pick("Offer", "方案"),
        lang.pick("Ev.", "证据"),
        lang.pick("Target", "目标"),
        lang.pick("Credits", "赔付"),
        lang.pick("Restoration S1", "恢复时限 S1"),
    ];
    let mut table = Table::new(6, &head);
    for offer in offers {
        let note = offer
            .grade_note
            .as_ref()
            .map_or(String::new(), |n| format!(" ({})", plain(n)));
        table.rows.push(vec![
            offer.id.as_str().to_owned(),
            plain(&offer.name),
            format!("{}{note}", offer.grade),
            offer
                .target
                .map_or_else(|| lang.none().to_owned(), |t| t.to_string()),
            credits_text(offer, lang),
            window_text(offer.restoration.get(&Severity::S1), lang),
        ]);
    }
    let mut out = String::new();
    table.write(&mut out);
    out
}

fn credits_text(offer: &Offer, lang: Lang) -> String {
    let Some(credits) = &offer.credits else {
        return lang.none().to_owned();
    };
    if let Credits::Proportional(times) = credits {
        return format!("{times} × {}", lang.pick("time down", "停机时间"));
    }
    let steps = credits.bounds().into_iter().map(|bound| {
        let share = credits.share(usize::MAX, |b| b >= bound);
        format!("<{bound} {}", share)
    });
    steps.collect::<Vec<_>>().join(", ")
}

fn window_text(window: Option<&Window>, lang: Lang) -> String {
    let Some(window) = window else {
        return lang.none().to_owned();
    };
    let time = match (window.minutes, &window.text) {
        (Some(minutes), _) => lang.minutes(minutes),
        (None, Some(text)) => plain(text),
        (None, None) => lang.none().to_owned(),
    };
    let paid = match (window.credited, window.credit) {
        (true, Some(credit)) => format!(", {credit} {}", lang.pick("credited", "赔付")),
        (true, None) => lang
            .pick(", credited (amount not found)", ",有赔付(金额未找到)")
            .to_owned(),
        (false, _) => lang.pick(", not credited", ",无赔付").to_owned(),
    };
    time + &paid
}

/// One offer with everything that is known of it, as text.
#[must_use]
pub fn offer_text(offer: &Offer, lang: Lang) -> String {
    let mut out = format!("{} ({})\n", plain(&offer.name), offer.id.as_str());
    let none = || lang.none().to_owned();
    let text = |t: &Option<String>| t.as_ref().map_or_else(none, |t| plain(t));
    let note = offer
        .grade_note
        .as_ref()
        .map_or(String::new(), |n| format!(" ({})", plain(n)));
    let fee = offer.fee.map_or_else(none, |fee| match fee {
        Fee::PerMonth(amount) => format!("{amount} / {}", lang.pick("month", "月")),
        Fee::ByUse {
            per_1000_minutes,
            minimum_per_month,
        } => format!("{per_1000_minutes} / 1000 min, ≥ {minimum_per_month}"),
    });
    let days = |d: u32| format!("{d} {}", lang.pick("days", "天"));
    let surge = offer.surge.as_ref().map_or_else(none, |s| plain(&s.text));
    let form = offer
        .claim
        .form
        .map_or_else(none, |f| format!("{f:?}").to_lowercase());
    for (what, value) in [
        (
            lang.pick("Evidence", "证据"),
            format!("{}{note}", offer.grade),
        ),
        (lang.pick("Source", "来源"), text(&offer.source)),
        (lang.pick("Fee", "费用"), fee),
        (
            lang.pick("Target", "目标"),
            offer.target.map_or_else(none, |t| t.to_string()),
        ),
        (lang.pick("Credits", "赔付"), credits_text(offer, lang)),
        (lang.pick("Form", "形式"), form),
        (
            lang.pick("Cap", "上限"),
            offer.cap.map_or_else(none, |c| c.to_string()),
        ),
        (
            lang.pick("Claim window", "申请期限"),
            offer.claim.window_days.map_or_else(none, days),
        ),
        (lang.pick("Surge", "突发流量"), surge),
        (
            lang.pick("Response S1", "响应 S1"),
            window_text(offer.response.get(&Severity::S1), lang),
        ),
        (
            lang.pick("Restoration S1", "恢复 S1"),
            window_text(offer.restoration.get(&Severity::S1), lang),
        ),
        (lang.pick("Support", "支持时间"), text(&offer.support_hours)),
        (lang.pick("Updates", "更新"), text(&offer.updates)),
    ] {
        let space = " ".repeat(18usize.saturating_sub(width(what)));
        let _ = writeln!(out, "  {what}{space}{value}");
    }
    for note in &offer.notes {
        let _ = writeln!(out, "  · {}", plain(note));
    }
    titled(
        lang.pick("Questions to ask", "应向厂商提出的问题"),
        &mut out,
    );
    for (i, gap) in gaps::of(offer).into_iter().enumerate() {
        let _ = writeln!(out, "  {}. {}", i + 1, gap.question(lang));
    }
    out
}
