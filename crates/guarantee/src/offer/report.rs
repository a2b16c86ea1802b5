//! Reports for a terminal.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::advise::{Advice, WindowValue, percent_text, whole_percent_text};
use super::compare::{Comparison, Estimate, Row};
use super::gaps::{self, Gap};
use super::quantity::grouped;
use super::sensitivity::Sensitivity;
use super::terms::{Credits, Fee, Offer, Window};
use super::words::Lang;
use crate::severity::Severity;

/// Columns of a table: texts to the left, numbers to the right.
struct Table {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    fn new(left: usize, head: &[&str]) -> Self {
        let head = head.iter().map(|h| (*h).to_owned()).collect();
        Self {
            rows: vec![head],
            left,
        }
    }

    fn write(&self, out: &mut String) {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|c| self.rows.iter().map(|r| width(&r[c])).max().unwrap_or(0))
            .collect();
        for (i, row) in self.rows.iter().enumerate() {
            let mut line = String::from(" ");
            for (c, cell) in row.iter().enumerate() {
                let space = " ".repeat(widths[c].saturating_sub(width(cell)));
                let (before, after) = if c < self.left {
                    ("", space.as_str())
                } else {
                    (space.as_str(), "")
                };
                let _ = write!(line, " {before}{cell}{after} ");
            }
            out.push_str(line.trim_end());
            out.push('\n');
            if i == 0 {
                let total: usize = widths.iter().map(|w| w + 2).sum();
                let _ = writeln!(out, "  {}", "─".repeat(total.saturating_sub(2)));
            }
        }
    }
}

/// Cells of a terminal: CJK characters and their punctuation take two.
fn width(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}');
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

/// Text from a document may hold control characters, which a terminal obeys.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn chance(estimate: Option<Estimate>, lang: Lang) -> String {
    estimate.map_or_else(
        || lang.pick("not promised", "未承诺").to_owned(),
        |e| percent_text(e.best()),
    )
}

fn money(amount: Decimal) -> String {
    grouped(amount, 0)
}

fn titled(title: &str, out: &mut String) {
    let _ = writeln!(out, "\n{title}");
}

/// A comparison as text.
#[must_use]
pub fn comparison_text(c: &Comparison, lang: Lang) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", plain(&c.need));
    let _ = writeln!(out, "{}", basis(c, lang));
    out.push('\n');
    numbers(c, lang, &mut out);
    checks(c, lang, &mut out);
    promises(c, lang, &mut out);
    sensitivity_text(&c.sensitivity, &c.currency, lang, &mut out);
    questions(c, lang, &mut out);
    silent(c, lang, &mut out);
    let legend = lang.pick(
        "Evidence: V read in the vendor's own text, S second-hand, M remembered, – nothing found.",
        "证据等级:V 厂商原文,S 二手资料,M 记忆未核实,– 未找到。",
    );
    let _ = writeln!(out, "\n{legend}");
    out
}

pub(crate) fn basis(c: &Comparison, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "{} per month of 30 days, over {} months. Simulated: {} terms, seed {}. A claim costs {}; \
             where the vendor decides, {} are granted; vouchers are worth {}; restoration times are kept \
             in {} (credited) or {} (only stated) of longer outages.",
            c.currency,
            c.term_months,
            c.runs,
            c.seed,
            grouped(c.claim_effort, 0),
            c.granted_at_discretion,
            c.voucher_value,
            c.kept_if_credited,
            c.kept_if_stated
        ),
        Lang::Zh => format!(
            "金额单位 {},按每月 30 天计,合同期 {} 个月。模拟 {} 个合同期,种子 {}。每次申请成本 {};\
             由厂商判定时获批比例 {};代金券折算 {};超时故障按承诺恢复的比例:有赔付 {},仅声明 {}。",
            c.currency,
            c.term_months,
            c.runs,
            c.seed,
            grouped(c.claim_effort, 0),
            c.granted_at_discretion,
            c.voucher_value,
            c.kept_if_credited,
            c.kept_if_stated
        ),
    }
}

fn numbers(c: &Comparison, lang: Lang, out: &mut String) {
    let head = [
        lang.pick("Offer", "方案"),
        lang.pick("Ev.", "证据"),
        lang.pick("Target", "目标"),
        lang.pick("Breach/mo", "月违约率"),
        lang.pick("in term", "期内"),
        lang.pick("Fee/mo", "月费"),
        lang.pick("Loss/mo", "月损失"),
        lang.pick("Credit", "名义赔付"),
        lang.pick("Collected", "实得赔付"),
        lang.pick("Uncovered", "未覆盖损失"),
        lang.pick("Total, term", "期内总成本"),
    ];
    let mut table = Table::new(3, &head);
    for row in &c.rows {
        let target = row
            .target
            .map_or_else(|| lang.none().to_owned(), |t| t.to_string());
        let credit = row
            .credit
            .map_or_else(|| lang.none().to_owned(), |e| money(e.best()));
        table.rows.push(vec![
            plain(&row.name),
            graded(row),
            target,
            chance(row.breach_month, lang),
            chance(row.breach_term, lang),
            format!("{}{}", money(row.fee), if assumed(row) { "*" } else { "" }),
            money(row.loss.best()),
            credit,
            money(row.collected.best()),
            money(row.uncovered.best()),
            money(row.term_total),
        ]);
    }
    table.write(out);
    let note = lang.pick(
        "* the need's assumed fee: no price is known.",
        "* 采用需求中的假定费用:价格未知。",
    );
    let _ = writeln!(out, "  {note}");
}

pub(crate) fn graded(row: &Row) -> String {
    let note = row
        .grade_note
        .as_ref()
        .map_or(String::new(), |_| "?".into());
    format!("{}{note}", row.grade)
}

pub(crate) fn assumed(row: &Row) -> bool {
    row.assumptions.contains(&super::compare::Assumption::Fee)
}

fn checks(c: &Comparison, lang: Lang, out: &mut String) {
    titled(
        lang.pick(
            "Simulation (± standard error) beside the closed form, and bad months: 95 and 99 of 100 lose no more",
            "模拟(± 标准误)与解析结果对照;p95、p99:100 个月中有 95、99 个月的损失不超过此数",
        ),
        out,
    );
    let closed = lang.pick("closed", "解析");
    let head = [
        lang.pick("Offer", "方案"),
        lang.pick("Breach/mo", "月违约率"),
        closed,
        lang.pick("Loss/mo", "月损失"),
        closed,
        lang.pick("Collected", "实得赔付"),
        closed,
        "p95",
        "p99",
    ];
    let mut table = Table::new(1, &head);
    let amount = |e: Estimate| {
        [
            format!("{} ± {}", money(e.simulated), money(e.standard_error)),
            e.closed_form.map_or("–".into(), money),
        ]
    };
    for row in &c.rows {
        let bad = vec![money(row.loss_p95), money(row.loss_p99)];
        let cells = [
            vec![plain(&row.name)],
            breach(row).into(),
            amount(row.loss).into(),
            amount(row.collected).into(),
            bad,
        ];
        table.rows.push(cells.concat());
    }
    table.write(out);
}

fn breach(row: &Row) -> [String; 2] {
    let hundred = Decimal::from(100);
    row.breach_month.map_or(["–".into(), "–".into()], |e| {
        let error = grouped(e.standard_error * hundred, 2);
        let closed = e.closed_form.map(|c| grouped(c * hundred, 2) + "%");
        [
            format!("{}% ± {error}", grouped(e.simulated * hundred, 2)),
            closed.unwrap_or_else(|| "–".into()),
        ]
    })
}

fn promises(c: &Comparison, lang: Lang, out: &mut String) {
    titled(
        lang.pick("Not promised, or not found", "未承诺或未找到"),
        out,
    );
    for row in &c.rows {
        let _ = writeln!(
            out,
            "  {}: {}",
            plain(&row.name),
            labels(&row.not_promised, lang)
        );
        for assumption in &row.assumptions {
            let _ = writeln!(out, "    – {}", assumption.text(lang));
        }
    }
}

pub(crate) fn labels(gaps: &[Gap], lang: Lang) -> String {
    if gaps.is_empty() {
        return lang.pick("nothing missing", "无缺项").to_owned();
    }
    let labels: Vec<&str> = gaps.iter().map(|gap| gap.label(lang)).collect();
    labels.join(lang.pick(", ", "、"))
}

pub(crate) fn sensitivity_title(lang: Lang) -> &'static str {
    lang.pick(
        "What changes the loss that stays with you",
        "什么能减少由您承担的损失",
    )
}

fn sensitivity_text(s: &Sensitivity, currency: &str, lang: Lang, out: &mut String) {
    titled(sensitivity_title(lang), out);
    let uncovered = format!("{} {currency}", lang.pick("Uncovered/mo", "月未覆盖损失"));
    let head = [
        lang.pick("Change", "变化"),
        uncovered.as_str(),
        lang.pick("Saved", "减少"),
        lang.pick("of loss", "占损失"),
    ];
    let mut table = Table::new(1, &head);
    for step in &s.steps {
        table.rows.push(vec![
            step.change.text(lang),
            money(step.uncovered),
            money(step.saved),
            share(step.saved, s.loss),
        ]);
    }
    table.write(out);
}

pub(crate) fn share(part: Decimal, whole: Decimal) -> String {
    if whole.is_zero() {
        return "–".to_owned();
    }
    percent_text(part / whole)
}

/// Each question once, with the offers that it goes to.
pub(crate) fn asked(c: &Comparison) -> Vec<(Gap, Vec<&str>)> {
    let mut gaps: Vec<Gap> = c.rows.iter().flat_map(|r| r.questions.clone()).collect();
    gaps.sort_unstable();
    gaps.dedup();
    let of = |gap: Gap| {
        let rows = c.rows.iter().filter(|r| r.questions.contains(&gap));
        (gap, rows.map(|r| r.name.as_str()).collect())
    };
    gaps.into_iter().map(of).collect()
}

fn questions(c: &Comparison, lang: Lang, out: &mut String) {
    titled(lang.pick("Questions to ask", "应向厂商提出的问题"), out);
    for (i, (gap, names)) in asked(c).into_iter().enumerate() {
        let all = names.len() == c.rows.len() && names.len() > 1;
        let names = if all {
            lang.pick("all", "全部").to_owned()
        } else {
            plain(&names.join(lang.pick(", ", "、")))
        };
        let _ = writeln!(out, "  {}. {} [{names}]", i + 1, gap.question(lang));
    }
}

fn silent(c: &Comparison, lang: Lang, out: &mut String) {
    if c.not_computed.is_empty() {
        return;
    }
    titled(
        lang.pick(
            "No promise of availability found, nothing to compute",
            "未找到可用率承诺,无法计算",
        ),
        out,
    );
    for offer in &c.not_computed {
        let _ = writeln!(
            out,
            "  {} ({}): {} {}",
            plain(&offer.name),
            offer.grade,
            lang.pick("missing:", "缺少:"),
            labels(&offer.not_promised, lang)
        );
    }
}

/// Advice as text.
#[must_use]
pub fn advice_text(a: &Advice, lang: Lang) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", plain(&a.need));
    let _ = writeln!(
        out,
        "\n{} {}",
        lang.pick("Service level:", "服务等级:"),
        a.level.text(lang)
    );
    let modules: Vec<String> = a.modules.iter().map(|(m, p)| format!("{m} {p}")).collect();
    let windows = |list: &[(Severity, u32)]| {
        let each = list
            .iter()
            .map(|(s, m)| format!("{s:?} {}", lang.minutes(*m)));
        each.collect::<Vec<_>>().join(", ")
    };
    let term = match lang {
        Lang::En => format!("{} months", a.term_months),
        Lang::Zh => format!("{} 个月", a.term_months),
    };
    for (what, value) in [
        (lang.pick("Modules", "模块"), modules.join(", ")),
        (
            lang.pick("Restoration", "恢复时限"),
            windows(&a.restoration),
        ),
        (
            lang.pick("First response", "首次响应"),
            windows(&a.response),
        ),
        (
            lang.pick("Support", "支持时间"),
            a.support.text(lang).to_owned(),
        ),
        (lang.pick("Term", "合同期"), term),
    ] {
        let space = " ".repeat(16usize.saturating_sub(width(what)));
        let _ = writeln!(out, "  {what}{space}{value}");
    }
    titled(lang.pick("Why", "理由"), &mut out);
    for reason in &a.reasons {
        let _ = writeln!(out, "  – {}", reason.text(lang, &a.currency));
    }
    titled(
        lang.pick("What a restoration time is worth", "恢复时限的价值"),
        &mut out,
    );
    window_table(&a.windows, &a.currency, lang).write(&mut out);
    sensitivity_text(&a.sensitivity, &a.currency, lang, &mut out);
    out
}

fn window_table(windows: &[WindowValue], currency: &str, lang: Lang) -> Table {
    let uncovered = format!("{} {currency}", lang.pick("Uncovered/mo", "月未覆盖损失"));
    let head = [
        lang.pick("Restored within", "恢复时限"),
        uncovered.as_str(),
        lang.pick("Saved", "减少"),
        lang.pick("Step worth at most", "此步最多值"),
    ];
    let mut table = Table::new(1, &head);
    for value in windows {
        table.rows.push(vec![
            lang.minutes(value.minutes),
            money(value.uncovered),
            money(value.saved),
            money(value.worth),
        ]);
    }
    table
}

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
        format!("<{bound} {}", whole_percent_text(share))
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
