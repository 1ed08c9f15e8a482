//! The files of the LDBC social network: `|` between columns, a header, no quoting; one kind of
//! thing may be spread over several files `name_0_0.csv`, `name_1_0.csv` and so on.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::DateTime;

use crate::kernel::Timestamp;
use crate::seeds::problems::Problems;

/// The published form whose columns these are.
const FORM: &str = "social_network-csv_merge_foreign";

/// One kind of thing.
pub struct Csv {
    files: Vec<(PathBuf, String)>,
}

/// One line.
pub struct Line<'a> {
    /// The file that it is in.
    pub file: &'a Path,
    /// Its number, from 1.
    pub number: usize,
    fields: Vec<&'a str>,
}

impl Csv {
    /// Reads the files of one kind of thing; there must be one.
    pub fn open(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let paths = parts(folder, name)?;
        anyhow::ensure!(
            !paths.is_empty(),
            "{} has no file `{name}_0_0.csv`. Nothing was loaded.",
            folder.display()
        );
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            anyhow::Ok((path, text))
        };
        let files = paths.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { files })
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> Vec<u8> {
        let texts: Vec<&str> = self.files.iter().map(|(_, text)| text.as_str()).collect();
        texts.concat().into_bytes()
    }

    /// All lines with exactly these columns; what does not fit is a problem.
    pub fn lines(&self, columns: &[&str], problems: &mut Problems) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        for (file, text) in &self.files {
            for (index, line) in text.lines().enumerate() {
                let number = index + 1;
                let fields: Vec<&str> = line.split('|').collect();
                if index == 0 {
                    if fields != columns {
                        let wanted = columns.join("|");
                        problems.add(
                            file,
                            number,
                            &format!("the header is not `{wanted}`, as `{FORM}` has it"),
                        );
                        break;
                    }
                } else if fields.len() == columns.len() {
                    lines.push(Line {
                        file,
                        number,
                        fields,
                    });
                } else {
                    let what = format!("{} columns, not {}", fields.len(), columns.len());
                    problems.add(file, number, &what);
                }
            }
        }
        lines
    }
}

impl<'a> Line<'a> {
    /// The text of a column.
    pub fn text(&self, column: usize) -> &'a str {
        self.fields.get(column).copied().unwrap_or_default()
    }

    /// The number in a column.
    pub fn id(&self, column: usize, problems: &mut Problems) -> Option<u64> {
        let text = self.text(column);
        let id = text.parse().ok();
        if id.is_none() {
            self.wrong(problems, &format!("`{text}` is not an id"));
        }
        id
    }

    /// The instant in a column.
    pub fn time(&self, column: usize, problems: &mut Problems) -> Option<Timestamp> {
        let text = self.text(column);
        let time = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
            .or_else(|_| DateTime::parse_from_rfc3339(text));
        if time.is_err() {
            self.wrong(problems, &format!("`{text}` is not an instant"));
        }
        time.ok().map(|time| Timestamp::new(time.to_utc()))
    }

    /// Notes what is wrong with the line.
    pub fn wrong(&self, problems: &mut Problems, what: &str) {
        problems.add(self.file, self.number, what);
    }
}

/// How many lines below the header the files of one kind have; none when there are no files.
pub fn count(folder: &Path, name: &str) -> anyhow::Result<u64> {
    let mut lines = 0;
    for path in parts(folder, name)? {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        lines += text.lines().skip(1).count();
    }
    Ok(u64::try_from(lines).unwrap_or(u64::MAX))
}

/// How many lines all CSV files of a folder have, which have no header; none without the folder.
pub fn count_stream(folder: &Path) -> anyhow::Result<u64> {
    let mut lines = 0;
    for path in entries(folder)? {
        if path.extension().is_some_and(|extension| extension == "csv") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            lines += text.lines().count();
        }
    }
    Ok(u64::try_from(lines).unwrap_or(u64::MAX))
}

/// What a folder holds, in order; nothing when it is not there.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(fault).context(format!("{} cannot be read", folder.display())),
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The files `name_{number}_{number}.csv` of a folder, in order.
fn parts(folder: &Path, name: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for path in entries(folder)? {
        let stem = path.file_name().and_then(|file| file.to_str());
        let rest = stem
            .and_then(|stem| stem.strip_prefix(name))
            .and_then(|stem| stem.strip_suffix(".csv"))
            .and_then(|stem| stem.strip_prefix('_'));
        let numbered = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '_');
        if rest.is_some_and(numbered) {
            parts.push(path);
        }
    }
    Ok(parts)
}
