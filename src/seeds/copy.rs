//! Rows in the text format of Postgres' COPY: columns parted by tabs, rows by newlines, `\N` for
//! null, a backslash before whatever could be taken for one of these.

use chrono::SecondsFormat;
use std::io::Write as _;
use uuid::Uuid;

use crate::kernel::Timestamp;
use crate::kernel::ids::Id;

/// Rows on their way to one table.
#[derive(Debug, Default)]
pub struct CopyText {
    bytes: Vec<u8>,
    rows: u64,
    inside: bool,
}

impl CopyText {
    /// Adds a column of text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.part();
        for byte in text.bytes() {
            match byte {
                b'\\' => self.bytes.extend_from_slice(b"\\\\"),
                b'\n' => self.bytes.extend_from_slice(b"\\n"),
                b'\r' => self.bytes.extend_from_slice(b"\\r"),
                b'\t' => self.bytes.extend_from_slice(b"\\t"),
                _ => self.bytes.push(byte),
            }
        }
        self
    }

    /// Adds a column that is null.
    pub fn null(&mut self) -> &mut Self {
        self.part();
        self.bytes.extend_from_slice(b"\\N");
        self
    }

    /// Adds a column of text or null.
    pub fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// Adds an id.
    pub fn id<I: Id>(&mut self, id: I) -> &mut Self {
        self.uuid(id.uuid())
    }

    /// Adds the id of whatever it may be.
    pub fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.part();
        let mut buffer = Uuid::encode_buffer();
        let text = id.hyphenated().encode_lower(&mut buffer);
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds an id or null.
    pub fn maybe_id<I: Id>(&mut self, id: Option<I>) -> &mut Self {
        match id {
            Some(id) => self.id(id),
            None => self.null(),
        }
    }

    /// Adds an instant, to the microsecond.
    pub fn time(&mut self, at: Timestamp) -> &mut Self {
        self.part();
        let text = at.utc().to_rfc3339_opts(SecondsFormat::Micros, true);
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds an instant or null.
    pub fn maybe_time(&mut self, at: Option<Timestamp>) -> &mut Self {
        match at {
            Some(at) => self.time(at),
            None => self.null(),
        }
    }

    /// Adds a number.
    pub fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        self.part();
        // Writing to memory cannot fail.
        let _ = write!(self.bytes, "{}", number.into());
        self
    }

    /// Adds yes or no.
    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.part();
        self.bytes.push(if flag { b't' } else { b'f' });
        self
    }

    /// Ends the row.
    pub fn end(&mut self) {
        self.bytes.push(b'\n');
        self.rows += 1;
        self.inside = false;
    }

    /// How many rows have ended.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The rows as bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn part(&mut self) {
        if self.inside {
            self.bytes.push(b'\t');
        }
        self.inside = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut CopyText)) -> String {
        let mut copy = CopyText::default();
        write(&mut copy);
        copy.end();
        String::from_utf8(copy.into_bytes()).expect("UTF-8")
    }

    #[test]
    fn what_parts_columns_and_rows_is_escaped() {
        let row = written(|copy| {
            copy.text("a\tb")
                .text("c\nd\r")
                .text("\\N")
                .text("ěš")
                .text("");
        });
        assert_eq!(row, "a\\tb\tc\\nd\\r\t\\\\N\těš\t\n");
    }

    #[test]
    fn null_differs_from_the_empty_text_and_from_its_own_spelling() {
        let row = written(|copy| {
            copy.null()
                .maybe_text(Some(""))
                .maybe_text(None)
                .text("\\.");
        });
        assert_eq!(row, "\\N\t\t\\N\t\\\\.\n");
    }

    #[test]
    fn numbers_flags_and_times_are_plain() {
        let at = Timestamp::from_micros(1_700_000_000_120_999).expect("in range");
        let row = written(|copy| {
            copy.number(-7)
                .flag(true)
                .flag(false)
                .time(at)
                .maybe_time(None);
        });
        assert_eq!(row, "-7\tt\tf\t2023-11-14T22:13:20.120999Z\t\\N\n");
    }
}
