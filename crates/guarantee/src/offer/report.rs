//! Reports for a terminal.

mod advice;
mod offers;
mod table;

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::advise::percent_text;
use super::compare::{Comparison, Estimate, Row};
use super::gaps::Gap;
use super::quantity::grouped;
use super::sensitivity::Sensitivity;
use super::words::Lang;
use table::{Table, money, plain, titled};

pub use advice::advice_text;
pub use offers::{offer_text, offers_text};

fn chance(estimate: Option<Estimate>, lang: Lang) -> String {
    estimate.map_or_else(
        || lang.pick("not promised", "未承诺").to_owned(),
        |e| percent_text(e.best()),
    )
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
            money(row.uncovered_best()),
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
