//! Advice as text.

use std::fmt::Write as _;

use super::sensitivity_text;
use super::table::{Table, money, plain, titled, width};
use crate::offer::advise::{Advice, WindowValue};
use crate::offer::words::Lang;
use crate::severity::Severity;

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
    let loss = format!("{} {currency}", lang.pick("Loss/mo", "月损失"));
    let head = [
        lang.pick("Restored within", "恢复时限"),
        loss.as_str(),
        lang.pick("Saved", "减少"),
        lang.pick("Step worth at most", "此步最多值"),
    ];
    let mut table = Table::new(1, &head);
    for value in windows {
        table.rows.push(vec![
            lang.minutes(value.minutes),
            money(value.loss),
            money(value.saved),
            money(value.worth),
        ]);
    }
    table
}
