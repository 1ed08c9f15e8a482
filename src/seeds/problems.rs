//! What is wrong with a file, line by line. All of it is found before anything is written.

use std::path::Path;

/// At most this many lines are told one by one.
const TOLD: usize = 10;

/// Lines that could not be read.
#[derive(Debug, Default)]
pub struct Problems {
    told: Vec<String>,
    found: usize,
}

impl Problems {
    /// Notes what is wrong with a line; the first line is 1.
    pub fn add(&mut self, file: &Path, line: usize, what: &str) {
        self.found += 1;
        if self.told.len() < TOLD {
            self.told.push(format!("{}:{line}: {what}", file.display()));
        }
    }

    /// An error that names the lines, if there are any.
    pub fn finish(self) -> anyhow::Result<()> {
        if self.found == 0 {
            return Ok(());
        }
        let told = self.told.join("\n");
        let more = match self.found - self.told.len() {
            0 => String::new(),
            more => format!("\nand {more} more lines"),
        };
        anyhow::bail!("{told}{more}\nNothing was loaded.")
    }
}
