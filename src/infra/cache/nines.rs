//! How consistent something is, as a number of nines.

use serde::Serialize;

/// Consistency as the number of nines: 3 means that 99.9 % of the entries were right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Nines {
    /// How many.
    pub nines: f64,
    /// Whether all entries were right: then only the size of the sample keeps the number low.
    pub at_least: bool,
}

impl Nines {
    /// Of so many wrong entries among those that were checked; `None` when there were none.
    pub fn of(wrong: u64, checked: u64) -> Option<Self> {
        if checked == 0 {
            return None;
        }
        #[expect(
            clippy::as_conversions,
            clippy::cast_precision_loss,
            reason = "a number of nines has no use for the digits that are lost"
        )]
        let share = wrong.max(1) as f64 / checked as f64;
        Some(Self {
            nines: -share.min(1.0).log10() + 0.0,
            at_least: wrong == 0,
        })
    }
}

impl std::fmt::Display for Nines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Down, so that nothing is promised that was not seen.
        let nines = (self.nines * 10.0).floor() / 10.0;
        let at_least = if self.at_least { "at least " } else { "" };
        write!(f, "{at_least}{nines:.1} nines")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nines_want_a_sample_and_promise_no_more_than_it_shows() {
        assert_eq!(Nines::of(0, 0), None);
        let told = |wrong, checked| Nines::of(wrong, checked).map(|nines| nines.to_string());
        assert_eq!(told(0, 1_000).as_deref(), Some("at least 3.0 nines"));
        assert_eq!(told(0, 1).as_deref(), Some("at least 0.0 nines"));
        assert_eq!(told(1, 10_000).as_deref(), Some("4.0 nines"));
        assert_eq!(told(2, 1_001).as_deref(), Some("2.6 nines"));
        assert_eq!(told(7, 7).as_deref(), Some("0.0 nines"));
    }
}
