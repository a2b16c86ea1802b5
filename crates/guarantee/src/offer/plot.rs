//! Plots as inline SVG. Colours are variables of the page's style sheet.

use std::fmt::Write as _;

use super::compare::{Comparison, Row};
use super::quantity::{float, grouped};
use super::report::share;
use super::words::Lang;

/// Units across: about the pixels of a phone, so that text keeps its size.
const WIDTH: f64 = 460.0;

/// Text that can stand in a page.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A name that fits above a bar.
fn short(text: &str) -> String {
    let mut name: String = text.chars().take(34).collect();
    if name.len() < text.len() {
        name.push('…');
    }
    escape(&name)
}

fn open(height: f64, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    )
}

/// Fee, collected credits and uncovered loss of the term, per offer.
pub(crate) fn totals(c: &Comparison, lang: Lang) -> String {
    let parts = |row: &Row| [row.term_fees, row.term_uncovered, row.term_collected].map(float);
    let sum = |row: &Row| parts(row).iter().map(|p| p.max(0.0)).sum::<f64>();
    let most = c.rows.iter().map(sum).fold(1.0, f64::max);
    let title = lang.pick("Cost over the term", "合同期总成本");
    let mut svg = open(48.0 * c.rows.len() as f64 + 4.0, title);
    for (i, row) in c.rows.iter().enumerate() {
        let y = 48.0 * i as f64;
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><text class=\"n\" x=\"{WIDTH}\" y=\"{}\">{}</text>",
            y + 16.0,
            short(&row.name),
            y + 16.0,
            grouped(row.term_total, 0)
        );
        let mut x = 0.0;
        for (part, class) in parts(row).iter().zip(["fee", "left", "got"]) {
            let width = part.max(0.0) / most * WIDTH;
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\"/>",
                y + 23.0
            );
            x += width;
        }
    }
    svg + "</svg>"
}

/// What each change saves of the uncovered loss.
pub(crate) fn steps(c: &Comparison, lang: Lang) -> String {
    let s = &c.sensitivity;
    let changes = s.steps.get(1..).unwrap_or_default();
    let most = changes
        .iter()
        .map(|step| float(step.saved))
        .fold(1.0, f64::max);
    let title = super::report::sensitivity_title(lang);
    let mut svg = open(44.0 * changes.len() as f64 + 4.0, title);
    for (i, step) in changes.iter().enumerate() {
        let y = 44.0 * i as f64;
        let class = if step.change.is_service() {
            "service"
        } else {
            "paper"
        };
        // A line remains where nothing is saved.
        let width = (float(step.saved).max(0.0) / most * WIDTH).max(2.0);
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><text class=\"n\" x=\"{WIDTH}\" y=\"{}\">{}</text>\
             <rect class=\"{class}\" x=\"0\" y=\"{}\" width=\"{width:.1}\" height=\"12\" rx=\"2\"/>",
            y + 15.0,
            escape(&step.change.text(lang)),
            y + 15.0,
            share(step.saved, s.loss),
            y + 22.0
        );
    }
    svg + "</svg>"
}

/// Curves that are the same, with the offers they belong to.
pub(crate) fn curves(
    c: &Comparison,
) -> Vec<(Vec<&str>, &[(rust_decimal::Decimal, rust_decimal::Decimal)])> {
    let mut groups: Vec<(Vec<&str>, &[_])> = Vec::new();
    for row in &c.rows {
        match groups
            .iter_mut()
            .find(|(_, points)| *points == row.exceedance)
        {
            Some((names, _)) => names.push(&row.name),
            None => groups.push((vec![&row.name], &row.exceedance)),
        }
    }
    groups
}

/// Lines that can be told apart by colour; those after share the last.
pub(crate) const LINES: usize = 8;

/// The chance that a month leaves more than an amount with the buyer.
pub(crate) fn exceedance(c: &Comparison, lang: Lang) -> String {
    let (left, top, bottom, height) = (44.0, 10.0, 236.0, 280.0);
    let groups = curves(c);
    let points = groups.iter().flat_map(|(_, points)| points.iter());
    let chances = points.clone().map(|(_, p)| float(*p)).filter(|p| *p > 0.0);
    let most = scale(points.map(|(l, _)| float(*l)).fold(1.0, f64::max));
    let decades = chances.clone().fold(0.1, f64::min);
    let decades = (-libm::log10(decades)).clamp(1.0, 5.0);
    let x = |loss: f64| left + (loss.max(0.0) / most).min(1.0) * (WIDTH - left - 8.0);
    let y = |p: f64| top + (-libm::log10(p) / decades).clamp(0.0, 1.0) * (bottom - top);
    let title = lang.pick(
        "Chance that a month leaves more with you",
        "当月未覆盖损失超过该金额的概率",
    );
    let mut svg = open(height, title);
    let mut p = 1.0;
    while p > libm::pow(10.0, -decades) * 0.99 {
        let label = format!("{}%", trimmed(p * 100.0));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/><text class=\"n s\" x=\"{1}\" y=\"{2:.1}\">{label}</text>",
            y(p),
            left - 6.0,
            y(p) + 4.0
        );
        p /= 10.0;
    }
    for part in 0..=4 {
        let loss = most * f64::from(part) / 4.0;
        let anchor = match part {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        let _ = write!(
            svg,
            "<text class=\"s\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{}\">{}</text>",
            x(loss),
            bottom + 18.0,
            compact(loss)
        );
    }
    for (i, (_, points)) in groups.iter().enumerate().rev() {
        let shown = points.iter().filter(|(_, p)| !p.is_zero());
        let line: Vec<String> = shown
            .map(|(l, p)| format!("{:.1},{:.1}", x(float(*l)), y(float(*p))))
            .collect();
        let _ = write!(
            svg,
            "<polyline class=\"line c{}\" points=\"{}\"/>",
            i.min(LINES - 1),
            line.join(" ")
        );
    }
    let axis = format!(
        "{} {}",
        lang.pick("uncovered loss in a month,", "单月未覆盖损失,"),
        c.currency
    );
    let _ = write!(
        svg,
        "<text class=\"s\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text></svg>",
        f64::midpoint(left, WIDTH),
        bottom + 38.0,
        escape(&axis)
    );
    svg
}

/// The next of 1, 2, 4, 8 times a power of ten: quarters of it are round.
fn scale(most: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(most.max(1.0))));
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    let fits = steps.into_iter().map(|s| s * power).find(|s| *s >= most);
    fits.unwrap_or(10.0 * power)
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1500000` as `1.5M`: axes have little room.
fn compact(value: f64) -> String {
    match value {
        v if v >= 1e6 => trimmed(v / 1e6) + "M",
        v if v >= 1e3 => trimmed(v / 1e3) + "k",
        v => trimmed(v),
    }
}
