//! Plots as inline SVG. Colours are variables of the page's style sheet.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::compare::{Comparison, Row};
use super::quantity::{float, grouped};
use super::report::share;
use super::words::Lang;
use crate::html::escape;

/// Units across: about the pixels of a phone, so that text keeps its size.
const WIDTH: f64 = 400.0;

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

/// The offers of a curve, and its points.
type Curve<'a> = (Vec<&'a str>, &'a [(Decimal, Decimal)]);

/// Curves that are the same, with the offers they belong to.
pub(crate) fn curves(c: &Comparison) -> Vec<Curve<'_>> {
    let mut groups: Vec<Curve<'_>> = Vec::new();
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

/// Where losses and chances lie in the plot of exceedance; both axes are
/// logarithmic, since most months lose little and few lose very much.
struct Axes {
    /// Largest loss, a power of ten.
    most: f64,
    /// Decades of chances.
    decades: f64,
}

const LEFT: f64 = 48.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 236.0;
/// Decades of losses that are shown.
const LOSSES: f64 = 4.0;

impl Axes {
    fn new<'a>(points: impl Iterator<Item = &'a (Decimal, Decimal)> + Clone) -> Self {
        let losses = points.clone().map(|(l, _)| float(*l));
        let chances = points.map(|(_, p)| float(*p)).filter(|p| *p > 0.0);
        Self {
            most: libm::ceil(libm::log10(losses.fold(10.0, f64::max))),
            decades: (-libm::log10(chances.fold(0.1, f64::min))).clamp(1.0, 4.0),
        }
    }

    fn x(&self, loss: f64) -> f64 {
        let decade = libm::log10(loss.max(1e-9)) - (self.most - LOSSES);
        LEFT + (decade / LOSSES).clamp(0.0, 1.0) * (WIDTH - LEFT - 8.0)
    }

    fn y(&self, chance: f64) -> f64 {
        TOP + (-libm::log10(chance) / self.decades).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn grid(&self, svg: &mut String) {
        let mut chance = 1.0;
        while -libm::log10(chance) < self.decades + 0.01 {
            let y = self.y(chance);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"n s\" x=\"{}\" y=\"{:.1}\">{}%</text>",
                LEFT - 6.0,
                y + 4.0,
                trimmed(chance * 100.0)
            );
            chance /= 10.0;
        }
        for decade in 0..=4 {
            let loss = libm::pow(10.0, self.most - LOSSES + f64::from(decade));
            let anchor = if decade == 4 { "end" } else { "middle" };
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>\
                 <text class=\"s\" text-anchor=\"{anchor}\" x=\"{0:.1}\" y=\"{1}\">{2}</text>",
                self.x(loss),
                BOTTOM + 18.0,
                compact(loss)
            );
        }
    }

    fn line(&self, class: &str, points: &[(Decimal, Decimal)], svg: &mut String) {
        // Beyond the last decade of chances there are too few months to draw.
        let least = libm::pow(10.0, -self.decades);
        let shown = points.iter().map(|(l, p)| (float(*l), float(*p)));
        let shown = shown.filter(|(_, p)| *p >= least);
        let line: Vec<String> = shown
            .map(|(l, p)| format!("{:.1},{:.1}", self.x(l), self.y(p)))
            .collect();
        let _ = write!(
            svg,
            "<polyline class=\"line {class}\" points=\"{}\"/>",
            line.join(" ")
        );
    }
}

/// The chance that a month leaves more than an amount with the buyer.
pub(crate) fn exceedance(c: &Comparison, lang: Lang) -> String {
    let groups = curves(c);
    let axes = Axes::new(groups.iter().flat_map(|(_, points)| points.iter()));
    let title = lang.pick("How bad a month can get", "单月损失可能有多严重");
    let mut svg = open(BOTTOM + 44.0, title);
    axes.grid(&mut svg);
    for (i, (_, points)) in groups.iter().enumerate().rev() {
        axes.line(&format!("c{}", i.min(LINES - 1)), points, &mut svg);
    }
    axes.line("restored", &c.restored.exceedance, &mut svg);
    let label = lang.pick("uncovered loss in a month,", "单月未覆盖损失,");
    let _ = write!(
        svg,
        "<text class=\"s\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{label} {}</text></svg>",
        f64::midpoint(LEFT, WIDTH),
        BOTTOM + 38.0,
        escape(&c.currency)
    );
    svg
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1500000` as `1.5M`: axes have little room.
fn compact(value: f64) -> String {
    match value {
        v if v >= 1e9 => trimmed(v / 1e9) + "G",
        v if v >= 1e6 => trimmed(v / 1e6) + "M",
        v if v >= 1e3 => trimmed(v / 1e3) + "k",
        v => trimmed(v),
    }
}
