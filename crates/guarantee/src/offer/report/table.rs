//! Tables for a terminal.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use crate::offer::quantity::grouped;

/// Columns of a table: texts to the left, numbers to the right.
pub(super) struct Table {
    pub(super) rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    pub(super) fn new(left: usize, head: &[&str]) -> Self {
        let head = head.iter().map(|h| (*h).to_owned()).collect();
        Self {
            rows: vec![head],
            left,
        }
    }

    pub(super) fn write(&self, out: &mut String) {
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
pub(super) fn width(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}');
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

/// Text from a document may hold control characters, which a terminal obeys.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Whole units of money.
pub(super) fn money(amount: Decimal) -> String {
    grouped(amount, 0)
}

/// A heading with space before it.
pub(super) fn titled(title: &str, out: &mut String) {
    let _ = writeln!(out, "\n{title}");
}
