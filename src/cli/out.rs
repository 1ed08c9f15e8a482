//! What goes to standard output: lines, tables, JSON. A reader that has gone is an error, which
//! ends the command quietly.

use std::fmt::Display;
use std::io::{self, Write as _};

use serde::Serialize;

/// One line.
pub fn line(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// A value as indented JSON.
pub fn json<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// A cell wider than this doesn't widen its column.
const WIDEST: usize = 60;

/// Columns under headings, as wide as they need to be.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    let mut widths = headings.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).min(WIDEST).max(*widest);
        }
    }
    line(joined(&headings.map(str::to_owned), &widths))?;
    rows.iter().try_for_each(|row| line(joined(row, &widths)))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn joined(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, widest) in cells.iter().zip(widths) {
        text.push_str(cell);
        // A cell that is wider than its column still ends before the next one begins.
        let gap = (widest + 2).saturating_sub(width(cell)).max(2);
        text.extend(std::iter::repeat_n(' ', gap));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let cells = ["a".to_owned(), "é".to_owned(), String::new()];
        assert_eq!(joined(&cells, &[3, 2, 5]), "a    é");
        let wide = ["a long one".to_owned(), "b".to_owned()];
        assert_eq!(joined(&wide, &[3, 1]), "a long one  b");
    }
}
