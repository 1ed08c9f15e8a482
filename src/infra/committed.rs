//! Files that are made from the code and committed: a test of each holds the two equal.

use std::path::Path;

/// Holds a committed file equal to what today's code makes of it. With `KITH_WRITE_GENERATED` in the
/// environment it is written instead.
pub(crate) fn held_equal(path: &str, make: impl FnOnce(&str) -> String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let made = make(&committed);
    if std::env::var_os("KITH_WRITE_GENERATED").is_some() {
        std::fs::write(&file, made).expect("writes");
        return;
    }
    assert!(
        committed == made,
        "{path} is out of date: run this test with KITH_WRITE_GENERATED=1"
    );
}

/// A page with what was made between its marks of this name.
pub(crate) fn between_marks(page: &str, name: &str, made: &str) -> String {
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let (before, rest) = page.split_once(&begin).expect("a mark where it begins");
    let (_, after) = rest.split_once(&end).expect("a mark where it ends");
    format!("{before}{begin}{made}{end}{after}")
}
